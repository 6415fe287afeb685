/** The schemas of the self-service page and of the doorbell. */
import * as z from 'zod';
import { isApplicationUrl, isHostName, parseListenerArn, parsePriorities } from '#model/doorbell.ts';
import { filled, flag, names, object, oneOf, wholeNumber } from './fields.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ADDRESS_HINT = "write the page's address like 'https://nightshift.example.com/'";
const signIn = object(
  {
    loadBalancer: filled('write the ARN of an Application Load Balancer').regex(
      /^arn:[\w-]+:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer\/app\/[\w-]+\/[0-9a-f]+$/,
      {
        error:
          'write the ARN of an Application Load Balancer, arn:aws:elasticloadbalancing:…:loadbalancer/app/…',
      },
    ),
    address: filled(ADDRESS_HINT).refine(
      (url) => /^https:\/\/[a-z0-9.-]+(:\d+)?\/([\w./-]*)$/i.test(url) && URL.canParse(url),
      { error: ADDRESS_HINT },
    ),
    issuer: filled('write the issuer, as in the rule of the load balancer').regex(/^https:\/\/\S+$/, {
      error: 'write the issuer, as in the rule of the load balancer: https://…',
    }),
    clientId: filled('write the client id, as in the rule of the load balancer'),
  },
  'write { loadBalancer, address, issuer, clientId }',
);

export const selfService = object(
  {
    links: z.literal(true, { error: 'write true, or leave it out' }).optional(),
    kubectl: z.literal(true, { error: 'write true, or leave it out' }).optional(),
    maxHours: wholeNumber(1, 12, 'hours').optional(),
    perNight: wholeNumber(1, 20, 'times').optional(),
    requireReason: flag().optional(),
    signIn: signIn.optional(),
  },
  'write { links: true, maxHours: 4, perNight: 3 }',
);
const DOORBELL_HINT =
  "write { applications: ['https://…'], rules: { listener: 'arn:…', priorities: '1-20' } }";
const HOST_HINT = 'write a host name in lower case, like "wake.develop.example.com"';
export const doorbell = object(
  {
    applications: names('write a list of addresses, like "https://shop.develop.example.com/"')
      .min(1)
      .max(20)
      .refine((list) => list.every(isApplicationUrl), {
        error: 'write complete addresses in lower case, like "https://shop.develop.example.com/"',
      })
      .optional(),
    rules: object(
      {
        listener: filled('write the ARN of a listener').refine((arn) => parseListenerArn(arn) !== undefined, {
          error:
            'write the ARN of a listener of an Application Load Balancer: "arn:aws:elasticloadbalancing:…:listener/app/…"',
        }),
        priorities: filled('write a range of priorities like "1-20"').refine(
          (text) => parsePriorities(text) !== undefined,
          {
            error: 'write a range of at most 100 priorities between 1 and 50000, the lower one first: "1-20"',
          },
        ),
      },
      "write { listener: 'arn:…', priorities: '1-20' }",
    ).optional(),
    ingress: object(
      {
        host: filled(HOST_HINT).refine(isHostName, { error: HOST_HINT }),
        group: filled('write the group.name of the load balancer').regex(
          /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/,
          {
            error:
              'write the group.name of the load balancer: at most 63 lower case letters, digits, dots and hyphens',
          },
        ),
      },
      "write { host: 'wake.develop.example.com', group: 'develop' }",
    ).optional(),
    cloudFront: flag().optional(),
    chat: object(
      {
        slack: z
          .array(
            object(
              {
                workspace: filled('write the id of the workspace').regex(/^T[0-9A-Z]{1,254}$/, {
                  error: 'write the id of the Slack workspace, like "T07EA123LEP"',
                }),
                channel: filled('write the id of the channel').regex(/^[A-Z0-9]{2,254}$/, {
                  error: 'write the id of the Slack channel, like "C07EZ1ABC23"',
                }),
              },
              "write { workspace: 'T…', channel: 'C…' }",
            ),
            { error: "write [{ workspace: 'T…', channel: 'C…' }]" },
          )
          .min(1)
          .optional(),
        teams: z
          .array(
            object(
              {
                tenant: filled('write the id of the tenant').regex(UUID, {
                  error: 'write the id of the tenant, a UUID',
                }),
                team: filled('write the id of the team').regex(UUID, {
                  error: 'write the id of the team, a UUID',
                }),
                channel: filled('write the id of the channel'),
              },
              'write { tenant, team, channel }',
            ),
            { error: 'write [{ tenant, team, channel }]' },
          )
          .min(1)
          .optional(),
      },
      "write { slack: [{ workspace: 'T…', channel: 'C…' }] }",
    ).optional(),
    hours: wholeNumber(1, 12, 'hours').optional(),
    wakes: oneOf(['anyone', 'link']).optional(),
  },
  DOORBELL_HINT,
);
