import { z } from 'zod'
import { call, nothing, ready } from '../call.ts'
import { accountSettingsSchema, deviceIdSchema, deviceSchema } from '../view.ts'

/** The account's own devices and what is set for all of them. */
export const deviceCalls = {
  'device.list': call({
    owner: 'engine',
    phases: ready,
    input: nothing,
    output: z.strictObject({
      devices: z.array(deviceSchema),
      limit: z.int().min(1),
      /** The relay as a new device needs it, to be pasted there. */
      relay: z.string(),
    }),
    errors: [],
  }),

  /** Links the device that shows this code: sends it the account's keys, sealed for it alone. */
  'device.link': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ code: z.string().max(64) }),
    output: z.strictObject({ deviceId: deviceIdSchema }),
    errors: [
      'link.malformed',
      'link.unknown',
      'link.mismatch',
      'link.tooManyTries',
      'link.notNow',
      'device.limit',
      'account.guest',
      'policy.forbidden',
    ],
  }),

  /** Takes a device off the account at once. `lost`: the account gets a new identity key, and contacts are told. */
  'device.remove': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ deviceId: deviceIdSchema, reason: z.enum(['retired', 'lost']) }),
    output: nothing,
    errors: ['device.notFound', 'keys.malformed', 'keys.signature', 'request.malformed'],
  }),

  /** What is left out stays. Goes to the account's other devices. */
  'account.settings': call({
    owner: 'engine',
    phases: ready,
    input: accountSettingsSchema.partial(),
    output: accountSettingsSchema,
    errors: [],
  }),

  /** The person has read it. */
  'alert.dismiss': call({
    owner: 'engine',
    phases: ready,
    input: z.strictObject({ alertId: z.int().min(1) }),
    output: nothing,
    errors: [],
  }),
} as const
