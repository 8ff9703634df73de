/** UTF-8 limit of a message's text. */
export const textBytes = 16 * 1024
/** Formatted ranges of one text, and mentions of one text. */
export const textRanges = 100
/** UTF-8 limit of what a quote repeats of the message it answers to. */
export const excerptBytes = 512
/** UTF-8 limit of a reaction's emoji; a family of four with skin tones has 41. */
export const emojiBytes = 64
/** Ids that one receipt may name; a catch-up of many messages sends several receipts. */
export const receiptIds = 1_000
/** Messages that one notice between own devices may name. */
export const noticeMessages = 1_000

export const idBytes = 16
export const profileKeyBytes = 32
/** A Curve25519 public key with its type byte. */
export const identityKeyBytes = 33
/** More than any serialised IdentityKeyPair of libsignal (69 bytes today). */
export const identityKeyPairBytes = 256

/** A timer that runs, in seconds; 0 stands for none. */
export const timerRange = { shortest: 5, longest: 400 * 24 * 3600 } as const

/** The last moment that a Date can hold, ms since the epoch (ECMA-262 21.4.1.1); past it no reader could be shown one. */
export const lastSentAt = 8.64e15

/** How long after a message was sent its author may edit it, ms. */
export const editWindowMs = 24 * 3600 * 1000
