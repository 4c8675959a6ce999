/**
 * The number of a picture where stream copy keeps it: one SEI message user_data_unregistered (ITU-T H.264
 * D.1.7) before the picture, in the layout of tools/rtspload, whose readers prove loss, order and delay by it:
 * uuid "rtspload-sei-v1!", then 64 characters `cam=%05d au=%012d t=%019d ` filled up with dots; t is the
 * picture's UTC time in nanoseconds.
 */

const uuid = 'rtspload-sei-v1!';
const textBytes = 64;

const ascii = (text: string): Uint8Array => Uint8Array.from(text, letter => letter.charCodeAt(0) & 0x7f);

/** The NAL unit. Never needs emulation prevention: it has no byte below 0x05 but its type, and no zeros. */
export function pictureSei(camera: number, number: number, wallMs: number): Uint8Array {
  const cam = String(camera % 100_000).padStart(5, '0');
  const au = String(number).padStart(12, '0');
  const text = `cam=${cam} au=${au} t=${String(wallMs).padStart(13, '0')}000000 `.padEnd(textBytes, '.');
  const nalu = new Uint8Array(3 + uuid.length + textBytes + 1);
  nalu.set([6, 5, uuid.length + textBytes]);
  nalu.set(ascii(uuid + text), 3);
  nalu[nalu.length - 1] = 0x80;
  return nalu;
}
