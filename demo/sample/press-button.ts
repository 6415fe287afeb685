/** Somebody works late: opens the link of the warning, as in a mail, and presses the button of the page. */
import { readFile } from 'node:fs/promises';
import https from 'node:https';
import type { Lab } from '#demo/lab.ts';
import { topicNameOf } from '#model/names.ts';

const NAME = 'Ana';
const REASON = 'a release';

/** What was done, in a sentence. Throws where the warning has no link, or the page refuses. */
export async function pressButton(lab: Lab, environment: string): Promise<string> {
  const link = linkOf(lab, environment);
  const agent = new https.Agent({
    ca: await readFile(lab.caFile, 'utf8'),
    proxyEnv: { HTTPS_PROXY: lab.proxyUrl },
  });
  try {
    const page = await fetchPage(agent, link);
    // The end that the page suggests.
    const [, until] = /value="([^"]+)" required checked/.exec(page) ?? [];
    if (!until) throw new Error(`the page of ${environment} suggests no end: ${headingIn(page)}`);
    const answer = await fetchPage(agent, link, { until, name: NAME, reason: REASON });
    return `a developer opens the link of the warning and presses the button: ${headingIn(answer)}`;
  } finally {
    agent.destroy();
  }
}

function linkOf(lab: Lab, environment: string): string {
  const name = topicNameOf(environment, 'warning');
  const topic = lab.aws.messaging.topics().find((one) => one.name === name);
  const lines = (topic?.messages ?? []).flatMap(({ message }) =>
    String((JSON.parse(message) as { email?: unknown }).email).split('\n'),
  );
  const link = lines.findLast((line) => line.startsWith('Keep it up until'))?.replace(/.*: (?=https:)/, '');
  if (!link) throw new Error(`no warning of ${environment} has a link`);
  return link;
}

function headingIn(page: string): string {
  const [, text = ''] = /<h2[^>]*>(.*?)<\/h2>/.exec(page) ?? /<h1>(.*?)<\/h1>/.exec(page) ?? [];
  return text.replace(/<svg.*<\/svg>/, '');
}

function fetchPage(
  agent: https.Agent,
  address: string,
  form?: Readonly<Record<string, string>>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.request(address, {
      agent,
      method: form ? 'POST' : 'GET',
      headers: form ? { 'content-type': 'application/x-www-form-urlencoded' } : {},
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`the page answered ${response.statusCode}: ${headingIn(body)}`));
      });
    });
    request.end(form ? new URLSearchParams(form).toString() : '');
  });
}
