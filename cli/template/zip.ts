/** A ZIP archive of a folder that depends on its contents only: the same files give the same bytes. */
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';

/** 1980-01-01, the earliest date that the format has. */
const DATE = 0x0021;
const DEFLATE = 8;
const VERSION = 20;
/** Names are UTF-8. */
const FLAGS = 0x0800;
/** A regular file that everybody may read, as Unix writes it. */
const MODE = (0o100644 << 16) >>> 0;
const MADE_ON_UNIX = (3 << 8) | VERSION;

interface Entry {
  readonly name: Buffer;
  readonly packed: Buffer;
  readonly size: number;
  readonly checksum: number;
  readonly offset: number;
}

/** Throws for a folder without files. */
export function zipOf(folder: string): Buffer {
  const names = globSync('**/*', { cwd: folder })
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort();
  if (names.length === 0) throw new Error(`${folder} holds no file`);
  const entries: Entry[] = [];
  const parts: Buffer[] = [];
  let offset = 0;
  for (const name of names) {
    const content = readFileSync(join(folder, name));
    const entry = {
      name: Buffer.from(name.replaceAll('\\', '/')),
      packed: deflateRawSync(content, { level: 9 }),
      size: content.length,
      checksum: crc32(content),
      offset,
    };
    const head = Buffer.concat([signature(0x04034b50), fields(entry), entry.name]);
    parts.push(head, entry.packed);
    offset += head.length + entry.packed.length;
    entries.push(entry);
  }
  const directory = Buffer.concat(entries.map(directoryEntry));
  return Buffer.concat([...parts, directory, endRecord(entries.length, directory.length, offset)]);
}

/** What the local header and the directory have in common. */
function fields({ name, packed, size, checksum }: Entry): Buffer {
  const buffer = Buffer.alloc(26);
  buffer.writeUInt16LE(VERSION, 0);
  buffer.writeUInt16LE(FLAGS, 2);
  buffer.writeUInt16LE(DEFLATE, 4);
  buffer.writeUInt16LE(DATE, 8);
  buffer.writeUInt32LE(checksum, 10);
  buffer.writeUInt32LE(packed.length, 14);
  buffer.writeUInt32LE(size, 18);
  buffer.writeUInt16LE(name.length, 22);
  return buffer;
}

function directoryEntry(entry: Entry): Buffer {
  const made = Buffer.alloc(2);
  made.writeUInt16LE(MADE_ON_UNIX);
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE(MODE, 6);
  rest.writeUInt32LE(entry.offset, 10);
  return Buffer.concat([signature(0x02014b50), made, fields(entry), rest, entry.name]);
}

function endRecord(count: number, size: number, offset: number): Buffer {
  const buffer = Buffer.alloc(18);
  buffer.writeUInt16LE(count, 4);
  buffer.writeUInt16LE(count, 6);
  buffer.writeUInt32LE(size, 8);
  buffer.writeUInt32LE(offset, 12);
  return Buffer.concat([signature(0x06054b50), buffer]);
}

function signature(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}
