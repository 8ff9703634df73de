import { expect, test } from 'vitest'
import { errorCodes } from '../base/errors.ts'
import { refusalSchema } from './http.ts'
import { statusOf } from './refusals.ts'

test('every code has a status that means a refusal, and fits the refusal’s schema', () => {
  for (const code of errorCodes) {
    expect(statusOf(code)).toBeGreaterThanOrEqual(400)
    expect(refusalSchema.safeParse({ code }).success).toBe(true)
  }
  expect([
    statusOf('relay.unauthorised'),
    statusOf('invitation.used'),
    statusOf('relay.tooManyRequests'),
  ]).toEqual([401, 410, 429])
})
