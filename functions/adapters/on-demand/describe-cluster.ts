export { DescribeClusterCommand } from '@aws-sdk/client-eks';
