/** The public API of `eks-nightshift` for other CDK apps. */
export {
  type AccessRole,
  type DevelopmentEnvironmentConfig,
  type DiscoverConfig,
  defineConfig,
  type EnvironmentConfig,
  environmentsFrom,
  type NightshiftConfig,
  type ProductionEnvironmentConfig,
} from '#model/config.ts';
export { type InstanceNetwork, instanceNetwork } from '#model/instance-network.ts';
export {
  type AddressDemand,
  addressesOfFullNode,
  CNI_DEFAULTS,
  type CniSettings,
  nodesThatFit,
} from '#model/pod-addresses.ts';
export type {
  BranchDeploySettings,
  CommonSettings,
  DoorbellSettings,
  EnvironmentSettings,
  NightScheduleSettings,
  SelfServiceSettings,
  SpotDrainSettings,
} from '#model/settings.ts';
export { AccessPolicies, type AccessPoliciesProps } from './access-policies.ts';
export { BranchDeploy, type BranchDeployProps } from './branch-deploy.ts';
export { BuildProject, type BuildProjectProps } from './build-project.ts';
export { ChatButtons, type ChatButtonsProps } from './chat-buttons.ts';
export { checkedConfig, type EnvironmentProps } from './checked-environment.ts';
export { ConfigError, type LoadedConfig, loadConfig } from './config-file.ts';
export { Doorbell, type DoorbellProps } from './doorbell.ts';
export { EncryptionKey, type EncryptionKeyProps } from './encryption-key.ts';
export { Monitoring, type MonitoringProps } from './monitoring.ts';
export { NightSchedule, type NightScheduleProps } from './night-schedule.ts';
export { NightshiftApp, type NightshiftAppProps } from './nightshift-app.ts';
export { type CapabilityProps, NightshiftFunction } from './nightshift-function.ts';
export { NightshiftStack, type NightshiftStackProps } from './nightshift-stack.ts';
export { Notifications, type NotificationsProps } from './notifications.ts';
export type { Permission } from './permission.ts';
export { type RunAppOptions, runApp } from './run-app.ts';
export { SelfService, type SelfServiceProps } from './self-service.ts';
export { settingsOf } from './settings/settings.ts';
export { SpotDrain, type SpotDrainProps } from './spot-drain.ts';
export { StateTable, type StateTableProps } from './state-table.ts';
