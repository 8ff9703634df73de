import type { ErrorCode } from '../base/errors.ts'

const statuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  'relay.unauthorised': 401,
  'relay.deviceGone': 401,
  'request.notFound': 404,
  'recipient.unknown': 404,
  'invitation.unknown': 404,
  'invitation.used': 410,
  'invitation.expired': 410,
  'invitation.disabled': 410,
  'request.tooLarge': 413,
  'relay.tooManyRequests': 429,
  'relay.unavailable': 503,
  internal: 500,
}

/** The HTTP status that goes with a refusal; the code in its body is what a client decides by. */
export function statusOf(code: ErrorCode): number {
  return statuses[code] ?? 400
}
