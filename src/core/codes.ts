/**
 * Every code that a failure or a finding may carry, and what it means to the person who
 * reads it. Codes are stable, lower-case words with hyphens and greppable;
 * docs/reference.md lists them from here, and test/architecture/docs.test.ts compares both
 * tables with the code. Which codes callers of the API see is normative in docs/spec/api.md 2.2.
 */

export interface FaultCode {
  /** A sentence for the operator: what happened, and where it helps, what to do. */
  readonly doc: string;
  /** Callers see it (api.md 2.2). Else they see the code of its kind, and logs have the finer one. */
  readonly isPublic?: true;
  /** HTTP status, where it differs from its kind's. */
  readonly http?: number;
}

export const faultCodes: Readonly<Record<string, FaultCode>> = {
  'bad-argument': { doc: 'A parameter is missing, unknown, of the wrong type or out of range.', isPublic: true },
  'bad-json': { doc: 'The body is not JSON.', isPublic: true },
  'too-large': { doc: 'A body, answer, document or interval is longer than its limit.', isPublic: true, http: 413 },
  range: { doc: 'The Range header names nothing of what is there.', isPublic: true, http: 416 },
  forbidden: { doc: 'Not logged in, no right, or a Host or Origin that is not welcome.', isPublic: true },
  throttled: { doc: 'Too many failed logins from this address; Retry-After says how long to wait.', isPublic: true },
  'not-found': { doc: 'No object, function, path or file of this name.', isPublic: true },
  'no-data': { doc: 'The thing exists and has nothing to give, for this interval or yet.', isPublic: true },
  'method-not-allowed': { doc: 'The path exists, with other verbs: see Allow.', isPublic: true, http: 405 },
  'not-acceptable': { doc: 'None of the wanted content types can be made.', isPublic: true, http: 406 },
  'unsupported-type': {
    doc: 'The content type of a body is not one that is taken here.',
    isPublic: true,
    http: 415,
  },
  'upgrade-required': { doc: 'The path is a WebSocket.', isPublic: true, http: 426 },
  'not-implemented': { doc: 'Part of the specification, and not of this build.', isPublic: true },
  conflict: { doc: 'Not possible in the present state, or somebody else has it.', isPublic: true },
  'busy-publisher': { doc: 'Somebody else publishes this stream already.', isPublic: true },
  locked: { doc: 'Another writer holds the folder, or the range is protected from deletion.', isPublic: true },
  ambiguous: {
    doc: 'Several interfaces of the object have a function of this name; name the interface.',
    isPublic: true,
  },
  'precondition-failed': { doc: 'If-Match or If-Range names another version.', isPublic: true, http: 412 },
  'bad-config': { doc: 'The configuration has errors; they are listed in `problems`.', isPublic: true },
  'upstream-down': { doc: 'A camera or other peer cannot be reached.', isPublic: true },
  'upstream-garbled': { doc: 'A camera or other peer does not keep to its protocol.', isPublic: true },
  'upstream-refused': { doc: 'A camera or other peer refuses, often because of the password.', isPublic: true },
  overload: { doc: 'More work than can be done; try again.', isPublic: true },
  unavailable: { doc: 'It does not work now, or ended while it was asked; try again.', isPublic: true },
  timeout: { doc: 'No answer in time.', isPublic: true },
  internal: { doc: 'A mistake in the daemon; its log has the stack.', isPublic: true },
  'script-error': { doc: 'A script threw.', isPublic: true },

  'address-in-use': { doc: 'Another program listens at this address and port.' },
  'bad-value': { doc: 'A property that the check let pass is of no use to the object.' },
  'bad-variables': { doc: 'A file of --variables is not one JSON object.' },
  'connect-failed': { doc: 'No connection: refused, unreachable or an unknown name.' },
  'connect-timeout': { doc: 'No connection in time: nobody answers at this address.' },
  'connection-lost': { doc: 'The other side or the network ended a connection in use.' },
  database: { doc: 'SQLite failed; its own words follow.' },
  'disk-full': { doc: 'No space, or no quota, is left on the volume.' },
  exists: { doc: 'A file that was to be made is there already.' },
  'file-truncated': { doc: 'A media file ends before what its own tables say.' },
  'hls-encrypted': {
    doc: 'Segments are encrypted in a way that this build does not undo, or with another key than the one named.',
  },
  'hls-garbled': { doc: 'What should be an HLS playlist is none, or names what is no HTTP URL.' },
  'hls-packed-audio': { doc: 'An HLS stream whose sound is in no container, or in MPEG-TS apart from its pictures.' },
  'http-garbled': { doc: 'What the other side sent is no HTTP, or not compressed as it says.' },
  'http-no-stream': {
    doc: 'What the URL of a stream gives is no format that can be played: name it in `kind` if it is.',
  },
  'http-redirect': { doc: 'A redirect to something that is no HTTP URL, from https to http, or for ever.' },
  'http-status': { doc: 'A server answered with another status than 200; the code has its number: `http-404`.' },
  'in-band-parameter-sets': {
    doc: 'A media file whose parameter sets are in the pictures, not in its sample description.',
  },
  'index-damaged': { doc: 'The index of an archive is not a database any more: it is set aside and made anew.' },
  'index-mismatch': { doc: 'A recorded file is not what the index says; a rebuild of the index mends it.' },
  'index-version': { doc: 'The index of an archive was made by a newer Ocellus.' },
  invariant: { doc: 'Something that cannot be was so: a mistake in the daemon.' },
  'io-error': { doc: 'The system refused to read or write; its own words follow.' },
  'listen-failed': { doc: 'The system refused to listen at this address; its own words follow.' },
  'listen-refused': {
    doc: 'The system refused to listen at this address: no such address here, or no right to the port.',
  },
  'mp4-damaged': { doc: 'A media file breaks the rules of its format.' },
  'no-audio': { doc: 'The camera had sound and sends none any more.' },
  'no-configuration': { doc: 'No path was given, and no default folder of configuration exists.' },
  'no-keyframe': { doc: 'The camera sends pictures, and none that can be decoded by itself.' },
  'no-media': { doc: 'The camera sends nothing for stall_seconds, or a file has nothing that is enabled.' },
  'no-parameter-sets': { doc: 'The camera or file never said how its pictures are to be decoded.' },
  'no-ports': { doc: 'No two neighbouring UDP ports are free, of those that may be taken.' },
  'no-supported-media': { doc: 'The camera offers no track that is enabled and whose codec this build carries.' },
  'not-media': { doc: 'A file of a format that is not read: MP4, MPEG-TS and Matroska are.' },
  'not-mp4': { doc: 'A media file of another format.' },
  'onvif-fault': { doc: 'The ONVIF device refuses a request; its own words follow.' },
  'onvif-garbled': { doc: 'What answered at the address of an ONVIF device is no ONVIF.' },
  'onvif-login': {
    doc: 'The ONVIF device wants a login, or another one. A wrong clock of the device can be the reason, too.',
  },
  'onvif-no-profile': { doc: 'The ONVIF device has no media profile of this name, or none with video.' },
  'onvif-redirect': { doc: 'The ONVIF device redirects to another host: no request goes there.' },
  'onvif-unsupported': { doc: 'The ONVIF device does not have this service or function.' },
  permission: { doc: 'The user that the daemon runs as may not read or write this file.' },
  'read-only': { doc: 'The volume is mounted read only.' },
  'reader-too-slow': { doc: 'A peer takes what it is sent too slowly; its connection is ended.' },
  'replay-elsewhere': { doc: 'A device replays another time than the one that it was asked for.' },
  'replay-without-times': {
    doc: 'A device that was asked for a recording does not say when its pictures were taken: it plays something else, or does not know how to replay.',
  },
  'rtsp-401': { doc: 'The camera wants a login, or another one.' },
  'rtsp-454': { doc: 'The camera forgot the session.' },
  'rtsp-no-answer': { doc: 'The camera took an RTSP request and did not answer it in time.' },
  'rtsp-redirect': { doc: 'The camera redirects to something that is no RTSP URL, or for ever.' },
  'rtsp-status': { doc: 'The camera answered with another status than 200; the code has its number: `rtsp-404`.' },
  'rtsp-too-large': { doc: 'The camera sent a message longer than any that RTSP needs.' },
  'rtsp-transport': { doc: 'The camera does not send media the way it was asked to: name others in `transport`.' },
  'rtsp-tunnel': { doc: 'No RTSP through HTTP at this address: the answer to GET was another than 200.' },
  'stream-ended': { doc: 'The camera said that its stream is over, and sent nothing more.' },
  stopped: { doc: 'Nobody wants it any more.' },
  'too-many-files': { doc: 'The limit of open files is reached: raise LimitNOFILE.' },
  usage: { doc: 'The command line is wrong.' },
};

/** Findings about a configuration (docs/spec/config.md 3.2). */
export const problemCodes: Readonly<Record<string, string>> = {
  'access-property': 'An unknown property that may have been meant to protect access. Ignoring it could open a server.',
  'bad-json': 'A variable used with @json is not JSON.',
  'bad-link': 'A link, or an item of one, that is neither a name nor an array of names.',
  'bad-name': 'A name with other characters than letters, digits, "_" and "-", or too long.',
  'bad-value': 'A value of the wrong type, out of range, or not among those allowed.',
  'duplicate-name': 'Two objects with one name.',
  'duplicate-property': 'A property stands twice in one JSON object; the last one counts.',
  'empty-secret': 'An empty secret protects nothing.',
  'hidden-name': 'A name that the procedures of the daemon hide over WAMP.',
  'link-count': 'A server linked with more than one authnz.',
  'link-missing': 'An object that needs a provider is linked with none; it waits.',
  'missing-property': 'A property without which the object cannot be.',
  'no-effect': 'A property that this build does not act upon yet.',
  'no-file': 'The file of $(file.PATH) cannot be read.',
  'no-variable': 'The variable is in no variables file, or not in the environment.',
  'open-to-everyone': 'A server without authnz that more than this machine can reach.',
  'registry-open': 'A webserver that publishes every object and has no authnz.',
  'removed-property': 'A property of former times; the hint says what to write instead.',
  'reserved-name': 'A name that would hide a path of the API.',
  'secret-not-kept':
    '{"$secret":"keep"} where type, address or login have changed, or where there is no present secret.',
  'similar-names': 'Two names that some faces cannot tell apart.',
  syntax: 'The document is not JSON.',
  'too-large': 'Variables make the document longer than its limit.',
  'too-many-links': 'Links connect more pairs of objects than the limit.',
  'too-many-problems': 'More problems than are listed.',
  'type-not-available': 'A type of the specification that is not in this build.',
  'unknown-name': 'A link names an object that does not exist.',
  'unknown-property': 'A property that the type does not have; it is ignored. The hint is the nearest known one.',
  'unknown-type': 'A type that Ocellus does not have. The hint is the nearest known one.',
  unsupported: 'A value of the specification that is not in this build.',
  'url-credentials': 'Login and password inside a URL: they are moved to "auth" and masked everywhere.',
  'use-authnz': '"auth" at a server does not protect it: link an authnz object.',
  'weak-secret': 'A secret that can be guessed: it is too short.',
  'webrtc-meta': 'Clients learn STUN and TURN servers from "meta" alone, and it names none.',
};
