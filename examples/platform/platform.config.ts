/** The platform of four environments. Account, region and cluster name of each are in `nightshift.config.ts`. */
import type { PlatformConfig, PlatformEnvironment } from './platform-config.ts';

const ZONES = ['ap-northeast-1a', 'ap-northeast-1c', 'ap-northeast-1d'];
const INSTANCE_TYPES = ['c5.4xlarge', 'c5a.4xlarge', 'm5.4xlarge', 'm5a.4xlarge'];

const administrator = (account: string) => `arn:aws:iam::${account}:role/platform-administrator`;
const developer = (account: string) => `arn:aws:iam::${account}:role/developer`;

const argocd: PlatformEnvironment['argocd'] = {
  kind: 'capability',
  identityCenter: 'arn:aws:sso:::instance/ssoins-0123456789abcdef',
  adminGroups: ['01234567-89ab-cdef-0123-456789abcdef'],
};

const dns = (environment: string): PlatformEnvironment['dns'] => ({
  zone: `${environment}.example.com`,
  parent: 'example.com',
  delegation: 'by-hand',
});

const platform: PlatformConfig = {
  gitops: 'https://github.com/example/platform',
  environments: {
    develop: {
      network: { cidr: '10.1.0.0/16', zones: ZONES },
      nodes: {
        instanceTypes: INSTANCE_TYPES,
        spot: { min: 3, desired: 3, max: 12 },
        onDemand: { min: 0, desired: 0, max: 6 },
      },
      dns: dns('develop'),
      argocd,
      access: { admins: [administrator('111111111111')], developers: [developer('111111111111')] },
      workHost: 'create',
      services: ['api'],
    },

    staging: {
      network: { cidr: '10.2.0.0/16', zones: ZONES },
      nodes: {
        instanceTypes: INSTANCE_TYPES,
        spot: { min: 3, desired: 3, max: 12 },
        onDemand: { min: 0, desired: 0, max: 6 },
      },
      dns: dns('staging'),
      argocd,
      access: { admins: [administrator('222222222222')], developers: [developer('222222222222')] },
      workHost: { of: 'develop' },
      services: ['api'],
    },

    production: {
      network: { cidr: '10.3.0.0/16', zones: ZONES },
      nodes: {
        instanceTypes: INSTANCE_TYPES,
        spot: { min: 3, desired: 3, max: 12 },
        onDemand: { min: 3, desired: 3, max: 12 },
      },
      dns: dns('production'),
      argocd,
      access: { admins: [administrator('333333333333')] },
      workHost: 'create',
      services: ['api'],
      logDays: 365,
    },

    sandbox: {
      network: { cidr: '10.4.0.0/16', zones: ZONES },
      nodes: {
        instanceTypes: INSTANCE_TYPES,
        spot: { min: 1, desired: 2, max: 6 },
        onDemand: { min: 0, desired: 0, max: 3 },
      },
      dns: dns('sandbox'),
      argocd: { kind: 'self-hosted' },
      access: {
        admins: [administrator('444444444444')],
        developers: [developer('444444444444')],
        open: true,
      },
      workHost: { of: 'develop' },
      services: ['api'],
      logDays: 7,
    },
  },
};

export default platform;
