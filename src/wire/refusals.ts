import type { ErrorCode } from '../base/errors.ts'

const statuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  'relay.unauthorised': 401,
  'relay.deviceGone': 401,
  'access.denied': 403,
  'factor.refused': 403,
  'factor.link': 410,
  'factor.taken': 409,
  'factor.stepUp': 410,
  'admin.signedOut': 401,
  'admin.forbidden': 403,
  'admin.foreign': 403,
  'permit.invalid': 403,
  'device.frozen': 403,
  'account.disabled': 403,
  'account.guest': 403,
  'request.notFound': 404,
  'device.notFound': 404,
  'link.unknown': 404,
  'blob.unknown': 404,
  'recipient.unknown': 404,
  'invitation.unknown': 404,
  'device.limit': 409,
  'identity.superseded': 409,
  'blob.exists': 409,
  'invitation.used': 410,
  'invitation.expired': 410,
  'invitation.disabled': 410,
  'request.tooLarge': 413,
  'relay.tooManyRequests': 429,
  'link.tooManyTries': 429,
  'permit.exhausted': 429,
  'permit.recipientLimit': 429,
  'budget.stepUp': 429,
  'budget.spent': 429,
  'relay.unavailable': 503,
  'relay.full': 507,
  internal: 500,
}

/** The HTTP status that goes with a refusal; the code in its body is what a client decides by. */
export function statusOf(code: ErrorCode): number {
  return statuses[code] ?? 400
}
