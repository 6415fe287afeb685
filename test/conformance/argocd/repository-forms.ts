/**
 * Argo CD compares repositories when a webhook names one: it refreshes the applications whose address is another form of it.
 * Ours has to say the same, else a build is held against the wrong applications, or against none.
 */
import { expect, test } from 'vitest';
import { sameRepository } from '#model/branch.ts';
import type { Stage } from './stage.ts';

const PUSHED = 'https://git.example.com/example/api';

/** Each form of the address of an application, by name. */
const FORMS: Readonly<Record<string, string>> = {
  https: 'https://git.example.com/example/api',
  'dot-git': 'https://git.example.com/example/api.git',
  user: 'https://token@git.example.com/example/api.git',
  case: 'https://Git.Example.com/Example/API.git',
  ssh: 'ssh://git@git.example.com/example/api.git',
  'ssh-port': 'ssh://git@git.example.com:2222/example/api.git',
  'web-port': 'https://git.example.com:8443/example/api.git',
  scp: 'git@git.example.com:example/api.git',
  'ssh-host': 'ssh://git@ssh.git.example.com:443/example/api.git',
  'other-name': 'https://git.example.com/example/api-manifests.git',
  'other-owner': 'https://git.example.com/fork/api.git',
  'other-host': 'https://git.example.com.example.org/example/api.git',
  subgroup: 'https://git.example.com/example/sub/api.git',
};

const nameOf = (form: string) => `x-form-${form}`;

export function repositoryForms(stage: () => Stage): void {
  test('addresses of one repository are those that Argo CD refreshes for a push to it', async () => {
    const forms = Object.entries(FORMS);
    for (const [form, repoURL] of forms) {
      await stage().addApplication({ name: nameOf(form) });
      // The project `default` admits every repository.
      await stage().patchObject(nameOf(form), {
        spec: { project: 'default', source: { repoURL, targetRevision: 'main' } },
      });
    }
    const comparedAt = async (form: string) =>
      (await stage().object(nameOf(form))).status?.reconciledAt ?? 'never';
    // They cannot be fetched; Argo CD says so, and is done with them.
    const before = new Map<string, string>();
    for (const [form] of forms)
      before.set(
        form,
        await stage().until(`${form} was compared`, async () => {
          const { status } = await stage().object(nameOf(form));
          const isDone = status?.conditions?.some(({ type }) => type === 'ComparisonError');
          return isDone && status?.reconciledAt;
        }),
      );
    await stage().pause(3_000);
    for (const [form] of forms) before.set(form, await comparedAt(form));
    const reply = await stage().ask({
      method: 'POST',
      path: '/api/webhook',
      headers: { 'x-github-event': 'push' },
      body: {
        ref: 'refs/heads/main',
        before: '1'.repeat(40),
        after: '2'.repeat(40),
        repository: { html_url: PUSHED, default_branch: 'main', full_name: 'example/api' },
        commits: [],
      },
    });
    expect(reply.status).toBe(200);
    const isRefreshed = async (form: string) => (await comparedAt(form)) !== before.get(form);
    await stage().until('the very address is refreshed', () => isRefreshed('https'));
    await stage().pause(5_000);
    const argocd: Record<string, boolean> = {};
    for (const [form] of forms) argocd[form] = await isRefreshed(form);
    const ours = Object.fromEntries(forms.map(([form, url]) => [form, sameRepository(url, PUSHED)]));
    expect(ours).toEqual(argocd);
  });
}
