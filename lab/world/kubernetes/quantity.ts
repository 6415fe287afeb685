/** Kubernetes quantities: `250m`, `1.5`, `512Mi`, `2G`. */
const factors: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
};

/** Cache: the same few are parsed repeatedly. */
const known = new Map<string | number, number>();
const KNOWN_AT_MOST = 2_000;

export function parseQuantity(text: string | number | undefined): number {
  if (text === undefined) return 0;
  const before = known.get(text);
  if (before !== undefined) return before;
  const amount = parse(text);
  if (known.size >= KNOWN_AT_MOST) known.clear();
  known.set(text, amount);
  return amount;
}

function parse(text: string | number): number {
  const match = /^([0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$/.exec(String(text));
  const factor = match ? factors[match[2] ?? ''] : undefined;
  if (!match || factor === undefined)
    throw new Error(`invalid quantity: "${text}"; write 250m, 1.5 or 512Mi`);
  return Number(match[1]) * factor;
}
