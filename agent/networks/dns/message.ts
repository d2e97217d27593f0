/** DNS messages, as far as a name server of containers needs them (RFC 1035, RFC 6891). */
export const TYPE = { A: 1, PTR: 12, OPT: 41, AAAA: 28 } as const;
export const RCODE = { ok: 0, format: 1, failure: 2, noName: 3, refused: 5 } as const;
const CLASS_IN = 1;
const HEADER = 12;
const FLAG = { response: 0x8000, truncated: 0x0200, recursionDesired: 0x0100, recursionAvailable: 0x0080 } as const;

export interface Question {
  id: number;
  /** lower case, without the last dot; '' is the root */
  name: string;
  type: number;
  inClass: boolean;
  /** the question as it came: an answer repeats it byte for byte, letter case included */
  raw: Buffer;
  recursionDesired: boolean;
  /** bytes the asker takes over UDP */
  size: number;
}
/** Of one answer: an address's 4 or 16 bytes, or a name. */
export type RecordData = Buffer;

/** Undefined for what is no query with one question. */
export function readQuestion(message: Buffer): Question | undefined {
  if (message.length < HEADER || (message.readUInt16BE(2) & FLAG.response) !== 0) return undefined;
  if ((message.readUInt16BE(2) & 0x7800) !== 0 || message.readUInt16BE(4) !== 1) return undefined;
  const name = readName(message, HEADER);
  if (!name || name.end + 4 > message.length) return undefined;
  return {
    id: message.readUInt16BE(0),
    name: name.labels.join('.').toLowerCase(),
    type: message.readUInt16BE(name.end),
    inClass: message.readUInt16BE(name.end + 2) === CLASS_IN,
    raw: message.subarray(HEADER, name.end + 4),
    recursionDesired: (message.readUInt16BE(2) & FLAG.recursionDesired) !== 0,
    size: Math.max(512, udpSize(message, name.end + 4)),
  };
}

/** Questions have no compressed names: a pointer is a fault. */
function readName(message: Buffer, start: number): { labels: string[]; end: number } | undefined {
  const labels: string[] = [];
  let at = start;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63 || at - start > 254) return undefined;
    if (length === 0) return { labels, end: at + 1 };
    if (at + 1 + length > message.length) return undefined;
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
}

/** What EDNS says, where the first additional record is it and nothing is before it, as in every client's query. */
function udpSize(message: Buffer, at: number): number {
  const none = message.readUInt16BE(6) + message.readUInt16BE(8) === 0;
  if (!none || message.readUInt16BE(10) === 0 || at + 5 > message.length || message[at] !== 0) return 0;
  return message.readUInt16BE(at + 1) === TYPE.OPT ? message.readUInt16BE(at + 3) : 0;
}

/** An answer of our own. `size` is what fits: what does not is left out, and said to be. */
export function answer(question: Question, rcode: number, records: readonly RecordData[], ttl: number, size: number) {
  const parts: Buffer[] = [];
  let length = HEADER + question.raw.length;
  for (const data of records) {
    if (length + 12 + data.length > size) break;
    const head = Buffer.alloc(12);
    head.writeUInt16BE(0xc000 | HEADER, 0);
    head.writeUInt16BE(question.type, 2);
    head.writeUInt16BE(CLASS_IN, 4);
    head.writeUInt32BE(ttl, 6);
    head.writeUInt16BE(data.length, 10);
    parts.push(head, data);
    length += 12 + data.length;
  }
  const count = parts.length / 2;
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(question.id, 0);
  header.writeUInt16BE(
    FLAG.response |
      FLAG.recursionAvailable |
      (question.recursionDesired ? FLAG.recursionDesired : 0) |
      (count < records.length ? FLAG.truncated : 0) |
      rcode,
    2,
  );
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(count, 6);
  return Buffer.concat([header, question.raw, ...parts]);
}

export const rcodeOf = (message: Buffer): number => message.readUInt16BE(2) & 0xf;

/** Labels with their lengths before them. Labels that are too long are cut. */
export function writeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => {
      const bytes = Buffer.from(label, 'latin1').subarray(0, 63);
      return Buffer.concat([Buffer.of(bytes.length), bytes]);
    }),
    Buffer.of(0),
  ]);
}

/** "2.0.17.172.in-addr.arpa" or nibbles under ip6.arpa: the address's text; undefined for any other name. */
export function addressOfReverse(name: string): string | undefined {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (four) return four.slice(1).reverse().join('.');
  const six = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  if (!six) return undefined;
  const digits = (six[1] as string).split('.').reverse().join('');
  return (digits.match(/.{4}/g) ?? []).join(':');
}
