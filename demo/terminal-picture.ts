/** Text of a terminal, with the escape sequences of its colours, as an SVG picture. Pure. */

interface Style {
  readonly color: string | undefined;
  readonly bold: boolean;
  readonly dim: boolean;
}

interface Run extends Style {
  readonly text: string;
}

const PLAIN: Style = { color: undefined, bold: false, dim: false };
/** The eight colours of a dark terminal, with a contrast of 4.5 to 1. */
const COLORS: Readonly<Record<number, string>> = {
  31: '#ff8a80',
  32: '#4cc38a',
  33: '#f0b04a',
  34: '#8db4ff',
  35: '#e59bf0',
  36: '#5fd0d8',
};
const GROUND = '#10151b';
const INK = '#e8edf2';
const SOFT = '#9aa7b4';
const WIDTH = 8.4;
const HEIGHT = 18;
const MARGIN = 14;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins a sequence
const SEQUENCE = /\u001b\[([\d;]*)m/;

/** A line is not longer than `columns`: the caller wraps. */
export function terminalPicture(text: string, columns: number, title: string): string {
  const lines = text.replace(/\n+$/, '').split('\n');
  const width = Math.ceil(columns * WIDTH + 2 * MARGIN);
  const height = lines.length * HEIGHT + 2 * MARGIN;
  const rows = runsOf(lines).map((runs, index) => row(runs, MARGIN + (index + 0.75) * HEIGHT));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" rx="8" fill="${GROUND}"/>
<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK JP', monospace" font-size="14" fill="${INK}" xml:space="preserve">
${rows.filter(Boolean).join('\n')}
</g>
</svg>
`;
}

/** Each run is put at its column: fonts of other widths do not shift what follows. */
function row(runs: readonly Run[], y: number): string {
  let column = 0;
  // Viewers collapse spaces.
  const parts = runs.flatMap((run) => run.text.split(/( {2,})/).map((text) => ({ ...run, text })));
  const spans = parts.map(({ text, color, bold, dim }) => {
    const start = column + (text.length - text.trimStart().length);
    column += text.length;
    if (text.trim() === '') return '';
    const fill = color ?? (dim ? SOFT : undefined);
    const attributes = `${fill ? ` fill="${fill}"` : ''}${bold ? ' font-weight="700"' : ''}`;
    const shown = text.trim();
    // Characters of double width have no place in a grid of single ones.
    const fit = /^[ -~…»·—]*$/.test(shown)
      ? ` textLength="${(shown.length * WIDTH).toFixed(1)}" lengthAdjust="spacingAndGlyphs"`
      : '';
    return `<tspan x="${(MARGIN + start * WIDTH).toFixed(1)}"${attributes}${fit}>${escaped(shown)}</tspan>`;
  });
  const content = spans.join('');
  return content && `<text y="${y.toFixed(1)}">${content}</text>`;
}

function runsOf(lines: readonly string[]): readonly (readonly Run[])[] {
  let style = PLAIN;
  return lines.map((line) => {
    const runs: Run[] = [];
    // Text and parameters of sequences take turns.
    line.split(SEQUENCE).forEach((part, index) => {
      if (index % 2 === 1) style = styled(style, part);
      else if (part !== '') runs.push({ ...style, text: part });
    });
    return runs;
  });
}

function styled(style: Style, parameters: string): Style {
  let next = style;
  for (const code of (parameters || '0').split(';').map(Number)) {
    if (code === 0) next = PLAIN;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, dim: true };
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 39) next = { ...next, color: undefined };
    else if (COLORS[code]) next = { ...next, color: COLORS[code] };
  }
  return next;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
