/** XML for the replies of AWS's query protocols. */

/** Lists become repeated `<member>` (query) or `<item>` (ec2) elements, a Map the `<entry>` elements of SNS; undefined members are left out. */
export function toXml(name: string, value: unknown, item: 'member' | 'item'): string {
  if (value === undefined || value === null) return '';
  return `<${name}>${content(value, item)}</${name}>`;
}

/** The members of a structure, without an element around them. */
export function membersToXml(value: object, item: 'member' | 'item'): string {
  let text = '';
  for (const [name, member] of Object.entries(value)) text += toXml(name, member, item);
  return text;
}

export function escapeXml(text: string): string {
  return /[&<>"]/.test(text)
    ? text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
    : text;
}

function content(value: unknown, item: 'member' | 'item'): string {
  if (typeof value === 'string') return escapeXml(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((entry) => toXml(item, entry, item)).join('');
  if (value instanceof Map)
    return [...value].map(([key, entry]) => toXml('entry', { key, value: entry }, item)).join('');
  return membersToXml(value as object, item);
}
