/**
 * Two numbers of the contract, written again because importing its calls would bring every schema (and zod) into the
 * page, which only needs their types. `limits.test.ts` keeps them equal.
 */
export const messageTextBytes = 16 * 1024
export const messagePageSize = 100
/** Characters of an invitation code (src/wire/invitation.ts). */
export const invitationCodeLength = 12
/** Characters of the code that links a device (`link.begin`). */
export const linkCodeLength = 20
