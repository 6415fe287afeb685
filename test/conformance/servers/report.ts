/** The table of a conformance run, for people: `docs/conformance.md` is made of it. */
import type { PartName } from './parts.ts';

/** One behaviour that was looked at. */
export interface Finding {
  readonly part: PartName;
  readonly behaviour: string;
  /** Name and version of the software that showed it. */
  readonly checkedOn: string;
  readonly result: 'as expected' | 'differs' | 'not there';
  /** What was different or missing, or what to know besides. */
  readonly notes: readonly string[];
}

export interface PartReport {
  readonly name: PartName;
  readonly title: string;
  /** Why it did not run; else its findings. */
  readonly missing?: string;
  readonly findings: readonly Finding[];
}

const GENERATED = '<!-- From here on written by `npm run conformance -- --write`. -->';

/** The parts as Markdown. `date` is the day of the run, `2026-11-23`. */
export function sectionsOf(parts: readonly PartReport[], date: string): ReadonlyMap<PartName, string> {
  return new Map(parts.map((part) => [part.name, sectionOf(part, date)]));
}

function sectionOf({ title, missing, findings }: PartReport, date: string): string {
  if (missing !== undefined) return `## ${title}\n\nNot run: ${missing}.`;
  const expected = findings.filter(({ result }) => result === 'as expected').length;
  const differ = findings.filter(({ result }) => result === 'differs').length;
  const absent = findings.length - expected - differ;
  const notes = [...new Set(findings.flatMap((finding) => finding.notes))];
  const rows = findings.map((finding) =>
    row([
      finding.behaviour,
      finding.checkedOn,
      `${finding.result}${finding.notes.map((note) => ` [${notes.indexOf(note) + 1}]`).join('')}`,
      date,
    ]),
  );
  return [
    `## ${title}`,
    '',
    `${expected} as expected, ${differ} different, ${absent} not there.`,
    '',
    row(['Behaviour', 'Checked on', 'Result', 'Date']),
    row(['---', '---', '---', '---']),
    ...rows,
    ...(notes.length === 0 ? [] : ['', ...notes.map((note, index) => `${index + 1}. ${note}`)]),
  ].join('\n');
}

/**
 * The document with these sections in it. What stands before the mark is left as it is, and so is the last table of
 * a part that has none in `sections`: a machine without its servers does not erase what another one saw.
 */
export function withSections(document: string, sections: ReadonlyMap<PartName, string>): string {
  const at = document.indexOf(GENERATED);
  const head = (at < 0 ? document : document.slice(0, at)).trimEnd();
  const former = at < 0 ? new Map<string, string>() : formerSections(document.slice(at));
  const all = new Map<string, string>(former);
  for (const [name, text] of sections) {
    const known = former.get(name);
    if (known !== undefined && !known.includes('\nNot run: ') && text.includes('\nNot run: ')) continue;
    all.set(name, text);
  }
  const body = [...all].map(([name, text]) => `<!-- part: ${name} -->\n${text}`);
  return `${[head, GENERATED, ...body].join('\n\n')}\n`;
}

function formerSections(generated: string): Map<string, string> {
  const pieces = generated.split(/^<!-- part: (\w+) -->$/m).slice(1);
  const sections = new Map<string, string>();
  for (let index = 0; index + 1 < pieces.length; index += 2)
    sections.set(pieces[index] as string, (pieces[index + 1] as string).trim());
  return sections;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}
