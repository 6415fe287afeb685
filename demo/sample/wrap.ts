import { stripVTControlCharacters } from 'node:util';

const CONTINUATION = 2;
/** Up to its end or the next punctuation mark. It stays whole, so that it can be copied. */
const COMMAND = /npx nightshift[^,;)]*/g;
const NO_BREAK_SPACE = '\u00a0';

/**
 * Breaks a line at spaces so that no part is longer than `columns`, escape sequences not counted. The parts after the
 * first are indented by `indent`, or two deeper than the line. A longer word or command stays whole. Without `columns`:
 * the line.
 */
export function wrap(line: string, columns: number | undefined, indent = indentOf(line)): string {
  if (columns === undefined || lengthOf(line) <= columns) return line;
  const margin = ' '.repeat(Math.min(indent, Math.floor(columns / 2)));
  const text = line.trimStart();
  const lines: string[] = [];
  let current = line.slice(0, line.length - text.length);
  let empty = true;
  for (const part of withWholeCommands(text).split(' ')) {
    const word = part.replaceAll(NO_BREAK_SPACE, ' ');
    const extended = empty ? `${current}${word}` : `${current} ${word}`;
    if (!empty && lengthOf(extended) > columns) {
      lines.push(current.trimEnd());
      current = `${margin}${word}`;
    } else {
      current = extended;
    }
    empty = false;
  }
  return [...lines, current].join('\n');
}

function withWholeCommands(text: string): string {
  return text.replaceAll(COMMAND, (command) => command.replaceAll(' ', NO_BREAK_SPACE));
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length + CONTINUATION;
}

function lengthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
