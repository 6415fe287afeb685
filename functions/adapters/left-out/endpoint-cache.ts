/**
 * Stands in for `@aws-sdk/endpoint-cache` in the bundles (8 KB with its parts). The DynamoDB client makes one for
 * endpoint discovery, which no operation of DynamoDB uses. The export carries the name that the SDK imports.
 */
export class EndpointCache {
  get(): never {
    throw new Error('the bundle has no endpoint discovery: take @aws-sdk/endpoint-cache out of the aliases');
  }
}
