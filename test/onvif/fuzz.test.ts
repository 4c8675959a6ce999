import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzRounds, fuzzSeed, mutate } from '#fake/fuzz';
import { soap, soapFault } from '#fake/onvif';
import { deviceUrl, serviceUrl, streamUrl } from '#onvif/address';
import { readCapabilities, readInformation, readServices } from '#onvif/device-service';
import { readLifetime, readMessages, readSubscription } from '#onvif/events';
import { readProfiles, readStreamUri, readVideoSources } from '#onvif/media';
import { readNodes, readPresets, readStatus } from '#onvif/ptz';
import { readRecordingChanges, readRecordings, timelineOf } from '#onvif/recordings';
import { readEnvelope } from '#onvif/soap';
import { readSystemTime } from '#onvif/time';
import { deviceState } from '#onvif/topics';
import { writeXml } from '#onvif/xml';

const valid = [
  soap(
    '<trt:R><trt:Profiles token="p" fixed="true"><tt:Name>n</tt:Name><tt:VideoEncoderConfiguration token="e"><tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>1</tt:Width><tt:Height>2</tt:Height></tt:Resolution></tt:VideoEncoderConfiguration></trt:Profiles></trt:R>',
  ),
  soap(
    '<tev:R><tev:CurrentTime>2026-01-01T00:00:00Z</tev:CurrentTime><tev:TerminationTime>2026-01-01T00:00:10Z</tev:TerminationTime><wsnt:NotificationMessage><wsnt:Topic>tns1:VideoSource/MotionAlarm</wsnt:Topic><wsnt:Message><tt:Message PropertyOperation="Changed"><tt:Source><tt:SimpleItem Name="Source" Value="1"/></tt:Source><tt:Data><tt:SimpleItem Name="State" Value="true"/></tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage></tev:R>',
  ),
  soap(
    '<tse:R><tse:ResultList><tt:RecordingInformation><tt:RecordingToken>a</tt:RecordingToken><tt:Track><tt:TrackType>Video</tt:TrackType><tt:DataFrom>2026-01-01T00:00:00Z</tt:DataFrom><tt:DataTo>2026-01-01T00:00:10Z</tt:DataTo></tt:Track></tt:RecordingInformation></tse:ResultList></tse:R>',
  ),
  soap('<!-- c --><tptz:R><tptz:PTZNode token="n"/><![CDATA[x]]></tptz:R>'),
  soapFault(['s:Sender', 'ter:NotAuthorized'], 'no'),
].map(text => new TextEncoder().encode(text));

test('any bytes: every reader answers, none throws, and what is kept is no longer than what came', () => {
  const random = fuzzSeed('onvif readers');
  for (let round = 0; round < fuzzRounds(1500); round++) {
    const bytes = mutate(random, valid[round % valid.length]!);
    const text = new TextDecoder().decode(bytes);
    const read = readEnvelope(text);
    if (!('body' in read)) continue;
    const { body } = read;
    const messages = readMessages(body);
    const recordings = readRecordings(body);
    const all = [
      readProfiles(body),
      readVideoSources(body),
      readStreamUri(body),
      readInformation(body),
      [...readServices(body)],
      [...readCapabilities(body)],
      readSystemTime(body),
      readSubscription(body),
      readLifetime(body),
      messages.map(deviceState),
      recordings,
      timelineOf(recordings, readRecordingChanges(body), [0, Date.UTC(2030, 0)]),
      readNodes(body),
      readStatus(body),
      readPresets(body),
    ];
    assert.ok(JSON.stringify(all).length < 20 * text.length + 10_000);
    assert.ok(writeXml(body).length < 40 * text.length + 10_000);
    deviceUrl(text);
    serviceUrl('http://a/', text);
    streamUrl('http://a/', text);
  }
});
