import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { soap } from '#fake/onvif';
import { absoluteMove, continuousMove, readNodes, readPresetId, readPresets, readStatus, setPreset } from '#onvif/ptz';
import { readEnvelope } from '#onvif/soap';
import type { XmlElement } from '#onvif/xml';

const body = (text: string): XmlElement => {
  const read = readEnvelope(soap(text));
  assert.ok('body' in read, JSON.stringify(read));
  return read.body;
};

describe('ptz', () => {
  test('axes that are undefined are not spoken of', () => {
    assert.match(
      continuousMove('p', { pan: 0.5, tilt: 0, zoom: undefined }, 5000),
      /<tptz:Velocity><tt:PanTilt x="0.5" y="0"\/><\/tptz:Velocity><tptz:Timeout>PT5S</,
    );
    assert.match(
      absoluteMove('p', { pan: undefined, tilt: undefined, zoom: 0.25 }),
      /<tptz:Position><tt:Zoom x="0.25"\/><\/tptz:Position>/,
    );
  });
  test('what callers give is text, not markup', () =>
    assert.match(setPreset('p', '</x>'), /<tptz:PresetName>&#60;\/x&#62;<\/tptz:PresetName>/));

  test('nodes: what they can', () => {
    const full =
      '<tptz:PTZNode token="n"><tt:SupportedPTZSpaces><tt:AbsolutePanTiltPositionSpace/><tt:RelativeZoomTranslationSpace/><tt:ContinuousZoomVelocitySpace/></tt:SupportedPTZSpaces><tt:MaximumNumberOfPresets>10</tt:MaximumNumberOfPresets><tt:HomeSupported>true</tt:HomeSupported></tptz:PTZNode>';
    assert.deepEqual(readNodes(body(`<tptz:R>${full}<tptz:PTZNode token="bare"/></tptz:R>`)), [
      {
        token: 'n',
        continuous: { panTilt: false, zoom: true },
        absolute: { panTilt: true, zoom: false },
        relative: true,
        presets: true,
        home: true,
      },
      {
        token: 'bare',
        continuous: { panTilt: true, zoom: true },
        absolute: { panTilt: false, zoom: false },
        relative: false,
        presets: false,
        home: false,
      },
    ]);
  });

  const statuses: [name: string, inner: string, status: object][] = [
    [
      'all of it',
      '<tt:Position><tt:PanTilt x="-0.5" y="0.25"/><tt:Zoom x="0"/></tt:Position><tt:MoveStatus><tt:PanTilt>IDLE</tt:PanTilt><tt:Zoom>MOVING</tt:Zoom></tt:MoveStatus>',
      { position: { pan: -0.5, tilt: 0.25, zoom: 0 }, moving: true },
    ],
    ['nothing of it', '', { position: null, moving: null }],
    [
      'unknown movement, zoom alone',
      '<tt:Position><tt:Zoom x="1"/></tt:Position><tt:MoveStatus><tt:PanTilt>UNKNOWN</tt:PanTilt></tt:MoveStatus>',
      { position: { pan: 0, tilt: 0, zoom: 1 }, moving: null },
    ],
    [
      'numbers that are none',
      '<tt:Position><tt:PanTilt x="" y="NaN"/></tt:Position>',
      { position: null, moving: null },
    ],
  ];
  for (const [name, inner, status] of statuses)
    test(`status: ${name}`, () =>
      assert.deepEqual(readStatus(body(`<tptz:R><tptz:PTZStatus>${inner}</tptz:PTZStatus></tptz:R>`)), status));

  test('presets, and the id of a new one', () => {
    assert.deepEqual(
      readPresets(
        body(
          '<tptz:R><tptz:Preset token="1"><tt:Name>door</tt:Name></tptz:Preset><tptz:Preset token="2"/><tptz:Preset/></tptz:R>',
        ),
      ),
      [
        { id: '1', name: 'door' },
        { id: '2', name: '' },
      ],
    );
    assert.equal(readPresetId(body('<tptz:R><tptz:PresetToken>7</tptz:PresetToken></tptz:R>')), '7');
  });
});
