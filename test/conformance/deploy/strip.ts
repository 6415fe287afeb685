/** Run by the CDK after the app of docs/deploy.md: takes out what ministack does not know. */
import { withoutUnknown } from './assembly.ts';

withoutUnknown(process.env['CDK_OUTDIR'] ?? 'cdk.out');
