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
      deploy: {
        argocd: { url: 'https://argocd.develop.example.com', tokenSecret: 'nightshift/argocd-develop' },
        builds: [
          {
            project: 'api-develop',
            repository: 'https://github.com/example/api',
            branch: 'develop',
            applications: ['api'],
          },
          {
            project: 'web-develop',
            repository: 'https://github.com/example/web',
            branch: 'develop',
            applications: ['web'],
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
            applications: ['api'],
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
