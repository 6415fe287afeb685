/** The night shift of the platform. An adopter imports from `eks-nightshift` instead of `#lib/index.ts`. */
import { defineConfig } from '#lib/index.ts';

const REGION = 'ap-northeast-1';

/** A merge to the branch is built here, and Argo CD deploys it. */
function buildOf(branch: 'develop' | 'staging' | 'sandbox', account: string) {
  return {
    project: `api-${branch}`,
    repository: 'https://github.com/example/api',
    branch,
    applications: [
      {
        name: 'api',
        project: branch,
        images: [{ repository: `${account}.dkr.ecr.${REGION}.amazonaws.com/api`, tag: '{sha7}' }],
      },
    ],
    create: {
      connection: `arn:aws:codeconnections:${REGION}:${account}:connection/0a1b2c3d-1111-2222-3333-444455556666`,
      docker: true,
      policies: [`arn:aws:iam::${account}:policy/platform-${branch}-push-images`],
    },
  };
}

/** Stopped with the nodes: it runs on the spot group, which therefore stops last and starts first. */
const autoscaler = {
  kind: 'cluster-autoscaler',
  namespace: 'kube-system',
  deployment: 'cluster-autoscaler',
  hostGroup: 'spot',
} as const;

const groups = { nodegroups: ['spot'], fallbackGroup: 'on-demand', spotPercent: 100 } as const;

export default defineConfig({
  calendars: {
    japan: { holidays: 'JP', closed: ['2026-12-29/2027-01-03'], open: [] },
  },

  schedules: {
    office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'], calendar: 'japan' },
    'sandbox-hours': { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 10:00-19:00'], calendar: 'japan' },
  },

  environments: {
    develop: {
      account: '111111111111',
      region: REGION,
      cluster: 'develop',
      schedule: 'office',
      ...groups,
      autoscaler,
      deploy: {
        argocd: {
          url: 'https://argocd.develop.example.com',
          tokenSecret: 'nightshift/argocd',
          through: 'kubernetes',
        },
        builds: [buildOf('develop', '111111111111')],
      },
    },

    staging: {
      account: '222222222222',
      region: REGION,
      cluster: 'staging',
      schedule: 'office',
      ...groups,
      autoscaler,
      deploy: {
        argocd: {
          url: 'https://argocd.staging.example.com',
          tokenSecret: 'nightshift/argocd',
          through: 'kubernetes',
        },
        builds: [buildOf('staging', '222222222222')],
      },
    },

    production: {
      production: true,
      account: '333333333333',
      region: REGION,
      cluster: 'production',
      spotPercent: 50,
    },

    sandbox: {
      account: '444444444444',
      region: REGION,
      cluster: 'sandbox',
      schedule: 'sandbox-hours',
      ...groups,
      autoscaler,
      deploy: {
        argocd: {
          url: 'https://argocd.sandbox.example.com',
          tokenSecret: 'nightshift/argocd',
          through: 'kubernetes',
        },
        builds: [buildOf('sandbox', '444444444444')],
        whenAsleep: 'wake',
      },
    },
  },
});
