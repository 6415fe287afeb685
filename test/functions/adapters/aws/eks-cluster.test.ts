import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, test } from 'vitest';
import { describeCluster } from '#functions/adapters/aws/eks-cluster.ts';

describe('where a cluster answers', () => {
  test('is its endpoint and its CA as PEM', async () => {
    const client = new EKSClient({ region: 'ap-northeast-1' });
    const pem = '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n';
    mockClient(client)
      .on(DescribeClusterCommand, { name: 'develop' })
      .resolves({
        cluster: {
          endpoint: 'https://abc.gr7.ap-northeast-1.eks.amazonaws.com',
          certificateAuthority: { data: Buffer.from(pem).toString('base64') },
        },
      });
    expect(await describeCluster(client, 'develop')).toEqual({
      endpoint: 'https://abc.gr7.ap-northeast-1.eks.amazonaws.com',
      ca: pem,
    });
  });

  test('is an error that says what to change where the cluster knows no access entries', async () => {
    const client = new EKSClient({ region: 'ap-northeast-1' });
    mockClient(client)
      .on(DescribeClusterCommand)
      .resolves({
        cluster: {
          endpoint: 'https://abc.gr7.ap-northeast-1.eks.amazonaws.com',
          certificateAuthority: { data: 'YWJj' },
          accessConfig: { authenticationMode: 'CONFIG_MAP' },
        },
      });
    await expect(describeCluster(client, 'develop')).rejects.toThrow(
      /authentication mode CONFIG_MAP.*change the mode to API_AND_CONFIG_MAP/,
    );
  });

  test('is an error while the cluster is being created', async () => {
    const client = new EKSClient({ region: 'ap-northeast-1' });
    mockClient(client)
      .on(DescribeClusterCommand)
      .resolves({ cluster: { status: 'CREATING' } });
    await expect(describeCluster(client, 'develop')).rejects.toThrow(
      'the cluster develop is CREATING and has no endpoint',
    );
  });
});
