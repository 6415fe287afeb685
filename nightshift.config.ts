import { defineConfig } from './model/config.ts';

export default defineConfig({
  calendars: {
    japan: { holidays: 'JP', closed: ['2026-12-29/2027-01-03'], open: [] },
  },

  schedules: {
    office: { timeZone: 'Asia/Tokyo', up: ['Mon-Fri 08:00-22:00'], calendar: 'japan' },
  },

  environments: {
    develop: {
      account: '111111111111',
      region: 'ap-northeast-1',
      cluster: 'develop',
      spotPercent: 100,
      schedule: 'office',
      nodegroups: 'all',
      notify: { warning: ['team@example.com'] },
      // The warning has links with which anybody of the team keeps the cluster up for an evening.
      selfService: { links: true },
      deploy: {
        argocd: { url: 'https://argocd.develop.example.com', tokenSecret: 'nightshift/argocd-develop' },
        builds: [
          {
            project: 'api-develop',
            repository: 'https://github.com/example/api',
            branch: 'develop',
            // Deployed when the pods run the image of the commit, which the manifests name.
            applications: [
              {
                name: 'api',
                images: [
                  { repository: '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com/api', tag: '{sha}' },
                ],
              },
            ],
          },
          {
            project: 'web-develop',
            repository: 'https://github.com/example/web',
            branch: 'develop',
            // The tag stays the same: after the sync, pods of an older image are restarted.
            applications: [
              {
                name: 'web',
                bring: 'restart',
                images: [
                  { repository: '111111111111.dkr.ecr.ap-northeast-1.amazonaws.com/web', tag: '{branch}' },
                ],
              },
            ],
          },
        ],
        whenAsleep: 'defer',
      },
    },

    staging: {
      account: '222222222222',
      region: 'ap-northeast-1',
      cluster: 'staging',
      spotPercent: 100,
      schedule: 'office',
      nodegroups: 'all',
      deploy: {
        argocd: { url: 'https://argocd.staging.example.com', tokenSecret: 'nightshift/argocd-staging' },
        builds: [
          {
            project: 'api-staging',
            repository: 'https://github.com/example/api',
            branch: 'staging',
            // The manifests name any tag: the image of the commit is set on the Application.
            applications: [
              {
                name: 'api',
                bring: 'parameter',
                images: [
                  { repository: '222222222222.dkr.ecr.ap-northeast-1.amazonaws.com/api', tag: '{sha}' },
                ],
              },
            ],
          },
          {
            // It is built elsewhere, such as in GitHub Actions, and announces its end by an event.
            project: 'web-staging',
            announced: true,
            repository: 'https://github.com/example/web',
            branch: 'staging',
            applications: [
              {
                name: 'web',
                images: [
                  { repository: '222222222222.dkr.ecr.ap-northeast-1.amazonaws.com/web', tag: '{sha}' },
                ],
              },
            ],
          },
        ],
        whenAsleep: 'defer',
      },
    },

    production: {
      production: true,
      account: '333333333333',
      region: 'ap-northeast-1',
      cluster: 'production',
      spotPercent: 50,
    },
  },
});
