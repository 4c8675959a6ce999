/**
 * The number of a picture where stream copy keeps it: one SEI message user_data_unregistered (ITU-T H.264
 * D.1.7) before the picture, in the layout of tools/rtspload, whose readers prove loss, order and delay by it:
 * uuid "rtspload-sei-v1!", then 64 characters `cam=%05d au=%012d t=%019d ` filled up with dots; t is the
 * picture's UTC time in nanoseconds.
 */

const uuid = 'rtspload-sei-v1!';
const textBytes = 64;

const text = 'cam=00000 au=000000000000 t=0000000000000000000 '.padEnd(textBytes, '.');
/** Where the numbers end, in the text. */
const camEnd = text.indexOf(' ');
const auEnd = text.indexOf(' ', camEnd + 1);
/** The last six digits of t, nanoseconds within the millisecond, stay 0. */
const msEnd = text.indexOf(' ', auEnd + 1) - 6;

const headerBytes = 3 + uuid.length;
const template = Uint8Array.from([
  ...[6, 5, uuid.length + textBytes],
  ...Array.from(uuid + text, letter => letter.charCodeAt(0)),
  0x80,
]);

/** The NAL unit. Never needs emulation prevention: there is no zero byte in it. */
export function pictureSei(camera: number, number: number, wallMs: number): Uint8Array {
  const nalu = template.slice();
  digits(nalu, headerBytes + camEnd, camera, 5);
  digits(nalu, headerBytes + auEnd, number, 12);
  digits(nalu, headerBytes + msEnd, wallMs, 13);
  return nalu;
}

/** The lowest `count` decimal digits, the last one before `end`. */
function digits(bytes: Uint8Array, end: number, value: number, count: number): void {
  let rest = value;
  for (let i = 1; i <= count; i++) {
    const next = Math.floor(rest / 10);
    bytes[end - i] = 48 + rest - next * 10;
    rest = next;
  }
}
