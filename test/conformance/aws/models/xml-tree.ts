/** Elements and text, which is all of XML that AWS's query protocols use. */
export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

export function parseXml(source: string): XmlElement {
  const root = { name: '', children: [] as XmlElement[], text: '' };
  const open = [root];
  for (const [, closing, name = '', selfClosing, text] of source
    .replace(/^<\?xml[^>]*\?>\s*/, '')
    .matchAll(/<(\/?)([\w:-]+)[^>]*?(\/?)>|([^<]+)/g)) {
    const parent = open.at(-1);
    if (!parent) throw new Error('more elements end than begin');
    if (text !== undefined) parent.text += unescaped(text);
    else if (closing) {
      if (parent.name !== name) throw new Error(`<${parent.name}> ends as </${name}>`);
      open.pop();
    } else {
      const element = { name, children: [] as XmlElement[], text: '' };
      parent.children.push(element);
      if (!selfClosing) open.push(element);
    }
  }
  const [first] = root.children;
  if (!first || open.length !== 1) throw new Error(`no whole document: ${source.slice(0, 80)}`);
  return first;
}

/** The text of each child, by its name. */
export function childrenOf(element: XmlElement | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries((element?.children ?? []).map(({ name, text }) => [name, text]));
}

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}
