/** kubectl on the lab as it runs, typed as an operator types it. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkedOn, note } from '../checked-on.ts';
import { type RunningLab, startRunningLab } from './a-running-lab.ts';
import { type Outcome, run } from './shell.ts';

let lab: RunningLab;
let version = 'kubectl';

beforeAll(async () => {
  lab = await startRunningLab();
  // Some kubectl hand over to the one that fits the server.
  const { stdout } = await run('kubectl', [
    '--kubeconfig',
    lab.kubeconfig('develop'),
    'version',
    '-o',
    'json',
  ]);
  version = `kubectl ${JSON.parse(stdout).clientVersion.gitVersion}`;
});
afterAll(() => lab?.close());
checkedOn(() => version);

/** Words are split at spaces; what has spaces itself is given as further arguments. */
const kubectl = (line: string, ...more: string[]): Promise<Outcome> =>
  run('kubectl', ['--kubeconfig', lab.kubeconfig('develop'), ...line.split(' '), ...more], {
    cwd: lab.directory,
    seconds: 90,
  });

/** What it prints, where it succeeds. */
async function said(line: string, ...more: string[]): Promise<string> {
  const { code, stdout, stderr } = await kubectl(line, ...more);
  expect(stderr.replace(/^Warning: .*\n?/gm, '').trim(), line).toBe('');
  expect(code, line).toBe(0);
  return stdout;
}

async function refused(line: string, ...more: string[]): Promise<string> {
  const { code, stderr } = await kubectl(line, ...more);
  expect(code, line).not.toBe(0);
  return stderr;
}

const names = async (line: string) =>
  (await said(`${line} -o name`))
    .trim()
    .split('\n')
    .map((name) => name.replace(/^.*\//, ''));

async function nodeOf(selector: string): Promise<string> {
  const pods = JSON.parse(await said(`get pods ${selector} -o json`));
  return pods.items[0].spec.nodeName;
}

describe('kubectl get', () => {
  test('shows nodes and pods in its own columns', async () => {
    expect(await said('get nodes')).toMatch(
      /^NAME +STATUS +ROLES +AGE +VERSION\n(ip-\S+ +Ready +<none> +\d+m +v1\.\S+\n)+$/,
    );
    expect(await said('get nodes -o wide')).toMatch(
      /INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME/,
    );
    expect(await said('get pods -A')).toMatch(/kube-system +aws-node-\w+ +1\/1 +Running +0 +\d+m/);
    expect(await said('get pods -A -o wide')).toMatch(/NODE +NOMINATED NODE +READINESS GATES/);
    expect(await said('get nodes,pods,deploy,ds,rs,pdb,ns -A')).toContain(
      'poddisruptionbudget.policy/coredns',
    );
  });

  test('gives whole objects as JSON and YAML', async () => {
    const { kind, items } = JSON.parse(await said('get nodes -o json'));
    expect(kind).toBe('List');
    expect(items[0]).toMatchObject({
      apiVersion: 'v1',
      kind: 'Node',
      spec: { providerID: expect.stringMatching(/^aws:\/\/\//) },
    });
    expect(await said('get pdb coredns -n kube-system -o yaml')).toContain('kind: PodDisruptionBudget');
    expect(
      await said('get nodes -o', 'jsonpath={.items[*].metadata.labels.topology\\.kubernetes\\.io/zone}'),
    ).toContain('ap-northeast-1a');
    expect(
      await said(
        'get nodes -o custom-columns=NAME:.metadata.name,TYPE:.metadata.labels.node\\.kubernetes\\.io/instance-type',
      ),
    ).toContain('m6i.large');
  });

  test('selects by labels and by fields', async () => {
    const all = await names('get nodes');
    const spot = await names('get nodes -l eks.amazonaws.com/capacityType=SPOT');
    expect(spot.length).toBeGreaterThan(0);
    expect(spot.every((name) => all.includes(name))).toBe(true);
    expect((await kubectl('get nodes -l team=none')).stderr).toContain('No resources found');
    expect(await names('get nodes -l eks.amazonaws.com/nodegroup')).toEqual(
      expect.arrayContaining(spot.slice(0, 1)),
    );
    const [node] = all;
    const on = JSON.parse(await said(`get pods -A --field-selector spec.nodeName=${node} -o json`));
    expect(on.items.length).toBeGreaterThan(2);
    expect(on.items.every((pod: { spec: { nodeName: string } }) => pod.spec.nodeName === node)).toBe(true);
    expect(await names('get pods -A --field-selector status.phase=Running')).toContain(
      (on.items[0] as { metadata: { name: string } }).metadata.name,
    );
  });

  test('watches', async () => {
    const [node = ''] = await names('get nodes');
    const watching = kubectl(`get node ${node} -w --request-timeout=14s`);
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    await said(`cordon ${node}`);
    await said(`uncordon ${node}`);
    const lines = (await watching).stdout.trim().split('\n').slice(1);
    const states = lines.map((line) => line.split(/ +/)[1]);
    // A controller adds and takes the taint, in a write of its own.
    expect(states.filter((state, index) => state !== states[index - 1])).toEqual([
      'Ready',
      'Ready,SchedulingDisabled',
      'Ready',
    ]);
  });

  test('says what does not exist', async () => {
    expect(await refused('get node none')).toBe('Error from server (NotFound): nodes "none" not found\n');
    expect(await refused('get nodez')).toContain(`the server doesn't have a resource type "nodez"`);
    expect(await refused('get pods -A --field-selector spec.colour=red')).toMatch(
      /field label not supported|not.*supported/,
    );
  });
});

describe('kubectl describe', () => {
  test('tells of a node, with its pods and what they ask for', async (context) => {
    const [node = ''] = await names('get nodes');
    const text = await said(`describe node ${node}`);
    expect(text).toMatch(/ProviderID: +aws:\/\/\/ap-northeast-1/);
    expect(text).toMatch(/Non-terminated Pods: +\(\d+ in total\)/);
    expect(text).toMatch(/cpu +\d+m \(\d+%\)/);
    if (text.includes('Failed to get lease'))
      note(
        context,
        'the lab keeps no Lease for a node, so kubectl says that it failed to get it: its kubelets renew nothing every ten seconds, which would cost each day of the lab much and show nothing',
      );
  });

  test('tells of a pod, with its events', async () => {
    const text = await said('describe pod -n kube-system -l app=coredns');
    expect(text).toMatch(/Controlled By: +ReplicaSet\/coredns/);
    expect(text).toMatch(/Normal +Scheduled .* Successfully assigned kube-system\/coredns/);
  });
});

describe('kubectl cordon, drain and uncordon', () => {
  test('leave a node without its pods and take it back', async () => {
    const node = await nodeOf('-n web -l app=web');
    expect(await said(`cordon ${node}`)).toContain('cordoned');
    expect(await said(`get node ${node}`)).toContain('Ready,SchedulingDisabled');
    expect(await refused(`drain ${node}`)).toContain('cannot delete DaemonSet-managed Pods');
    const drained = await said(`drain ${node} --ignore-daemonsets --delete-emptydir-data --timeout=60s`);
    expect(drained).toMatch(/pod\/web-\S+ evicted/);
    expect(drained).toContain(`node/${node} drained`);
    const left = JSON.parse(await said(`get pods -A --field-selector spec.nodeName=${node} -o json`));
    const owners = left.items.map(
      (pod: { metadata: { ownerReferences: { kind: string }[] } }) => pod.metadata.ownerReferences[0]?.kind,
    );
    expect(new Set(owners)).toEqual(new Set(['DaemonSet']));
    expect(await said(`uncordon ${node}`)).toContain('uncordoned');
  });

  test('wait for a budget, and say whose', async () => {
    await said('rollout status deploy/api -n api --timeout=60s');
    const node = await nodeOf('-n api -l app=api');
    await said('patch pdb api -n api --type merge -p', '{"spec":{"maxUnavailable":0}}');
    const held = await refused(`drain ${node} --ignore-daemonsets --timeout=8s`);
    expect(held).toMatch(/Cannot evict pod as it would violate the pod's disruption budget/);
    expect(held).toContain('global timeout reached: 8s');
    await said('patch pdb api -n api --type merge -p', '{"spec":{"maxUnavailable":1}}');
    expect(await said(`drain ${node} --ignore-daemonsets --timeout=60s`)).toMatch(/pod\/api-\S+ evicted/);
    await said(`uncordon ${node}`);
  });

  test('change labels, annotations and taints as well', async () => {
    const [node = ''] = await names('get nodes');
    await said(`taint nodes ${node} team=video:NoSchedule`);
    expect(await said(`get node ${node} -o`, 'jsonpath={.spec.taints[*].key}')).toBe('team');
    await said(`taint nodes ${node} team-`);
    await said(`label node ${node} team=video`);
    expect(await names('get nodes -l team=video')).toEqual([node]);
    await said(`label node ${node} team-`);
    await said(`annotate node ${node} note=x`);
  });
});

describe('kubectl auth', () => {
  test('can-i answers by the RBAC of manifests/', async () => {
    const as = '--as=nightshift --as-group=nightshift:spot-drain';
    expect(await said(`auth can-i patch nodes ${as}`)).toContain('yes');
    expect(await said(`auth can-i create pods --subresource=eviction -A ${as}`)).toContain('yes');
    expect((await kubectl(`auth can-i delete nodes ${as}`)).stdout).toContain('no');
    expect((await kubectl(`auth can-i get secrets -A ${as}`)).stdout).toContain('no');
    expect(await said(`auth can-i --list ${as}`)).toMatch(/pods\/eviction +\[\] +\[\] +\[create\]/);
    expect(await said('auth whoami')).toMatch(/Username +operator/);
  });

  test('is refused as somebody who may nothing', async () => {
    expect(await refused('get pods -A --as=nobody')).toBe(
      'Error from server (Forbidden): pods is forbidden: User "nobody" cannot list resource "pods" in API group "" at the cluster scope\n',
    );
  });
});

describe('kubectl', () => {
  test('finds events, in both of its forms', async () => {
    expect(await said('get events -A')).toMatch(/Normal +Scheduled +pod\/coredns/);
    expect(await said('events -n kube-system')).toMatch(/Normal +SuccessfulCreate/);
  });

  test('lists what there is', async () => {
    expect(await said('api-resources')).toMatch(
      /^poddisruptionbudgets +pdb +policy\/v1 +true +PodDisruptionBudget$/m,
    );
    expect(await said('api-versions')).toContain('policy/v1');
    expect(await said('cluster-info')).toContain('Kubernetes control plane is running at https://127.0.0.1:');
    expect(await said('get --raw /healthz')).toBe('ok');
    expect(await said('version')).toMatch(/Server Version: v1\.\d+\.\d+-eks-/);
  });

  test('top says in a line that there are no metrics', async () => {
    expect(await refused('top nodes')).toBe('error: Metrics API not available\n');
    expect(await refused('top pods -A')).toBe('error: Metrics API not available\n');
  });

  test('logs says in a line that the lab keeps none', async () => {
    const [pod] = await names('get pods -n kube-system');
    expect(await refused(`logs -n kube-system ${pod}`)).toBe(
      'Error from server (NotImplemented): the lab keeps no logs of its pods\n',
    );
  });

  test('explain tells the fields of a kind', (context) => {
    context.skip(
      'the lab serves no OpenAPI schemas of Kubernetes: they are a megabyte and are asked for by explain alone',
    );
  });

  test('scales a deployment and waits for it', async () => {
    await said('scale deploy/web -n web --replicas=3');
    expect(await said('rollout status deploy/web -n web --timeout=60s')).toContain('successfully rolled out');
    expect(await names('get pods -n web -l app=web')).toHaveLength(3);
    await said('scale deploy/web -n web --replicas=2');
    expect(await refused('scale deploy/none -n web --replicas=1')).toContain('not found');
  });

  test('applies the manifests of the project, again and again, and creates and deletes what a file says', async () => {
    const manifests = new URL('../../../manifests', import.meta.url).pathname;
    await said(`apply -k ${manifests}`);
    expect(await said(`apply -k ${manifests}`)).toMatch(
      /clusterrole\S+\/nightshift-spot-drain (unchanged|configured)/,
    );
    const file = path.join(lab.directory, 'budget.yaml');
    await writeFile(
      file,
      'apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: mine, namespace: default }\nspec: { minAvailable: 1, selector: { matchLabels: { app: mine } } }\n',
    );
    expect(await said(`create -f ${file}`)).toContain('poddisruptionbudget.policy/mine created');
    expect(await refused(`create -f ${file}`)).toContain('AlreadyExists');
    expect(await said(`delete -f ${file}`)).toContain('deleted');
  });
});
