export { UpdateNodegroupConfigCommand } from '@aws-sdk/client-eks';
