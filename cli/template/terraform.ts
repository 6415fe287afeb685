/** An example in HCL that creates the stack from the written files. */
import { BUCKET_PARAMETER, DEFAULT_PREFIX, PREFIX_PARAMETER } from './synthesizer.ts';

export interface TerraformExample {
  /** `Nightshift-develop` */
  readonly stack: string;
  readonly template: string;
}

/** CloudFormation takes a template of more than 51,200 bytes from S3 only: so `template_url`, not `template_body`. */
export function terraformExample({ stack, template }: TerraformExample): string {
  const resource = stack.replace(/[^A-Za-z0-9]/g, '_').toLowerCase();
  return `# Creates the CloudFormation stack ${stack} from the files beside this one. An example: adapt it.
# A bucket of the region of the cluster; the caller's role needs s3:GetObject on it.

variable "${resource}_bucket" {
  type        = string
  description = "S3 bucket, in the region of the cluster, for the template and the zips of the functions"
}

locals {
  ${resource}_prefix = "${DEFAULT_PREFIX}"
}

data "aws_s3_bucket" "${resource}" {
  bucket = var.${resource}_bucket
}

resource "aws_s3_object" "${resource}_zip" {
  for_each = fileset("\${path.module}/assets", "*.zip")

  bucket      = data.aws_s3_bucket.${resource}.id
  key         = "\${local.${resource}_prefix}/\${each.value}"
  source      = "\${path.module}/assets/\${each.value}"
  source_hash = filesha256("\${path.module}/assets/\${each.value}")
}

# The key has the hash of the template: CloudFormation sees a change by its address.
resource "aws_s3_object" "${resource}_template" {
  bucket       = data.aws_s3_bucket.${resource}.id
  key          = "\${local.${resource}_prefix}/\${filesha256("\${path.module}/${template}")}.template.json"
  source       = "\${path.module}/${template}"
  content_type = "application/json"
}

resource "aws_cloudformation_stack" "${resource}" {
  name         = "${stack}"
  template_url = "https://\${data.aws_s3_bucket.${resource}.bucket_regional_domain_name}/\${aws_s3_object.${resource}_template.key}"
  capabilities = ["CAPABILITY_NAMED_IAM"]

  parameters = {
    ${BUCKET_PARAMETER} = data.aws_s3_bucket.${resource}.id
    ${PREFIX_PARAMETER} = local.${resource}_prefix
  }

  # CloudFormation reads the zips when it creates the functions.
  depends_on = [aws_s3_object.${resource}_zip]
}
`;
}
