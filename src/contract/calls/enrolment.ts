import { z } from 'zod'
import { call, nothing } from '../call.ts'
import { deviceNameSchema, personSchema } from '../view.ts'

const invitationText = z.string().min(1).max(4096)

const protectionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('osKeyStore') }),
  z.strictObject({ kind: z.literal('passphrase'), passphrase: z.string().min(1).max(1024) }),
])

/** The way to an open vault: by an invitation, by another device of the account, by the passphrase. */
export const enrolmentCalls = {
  /** Reads an invitation, reaches the relay, checks its certificate and trust anchors. Changes nothing. */
  'enrolment.inspect': call({
    owner: 'engine',
    phases: ['enrolment'],
    input: z.strictObject({ invitation: invitationText }),
    output: z.strictObject({ address: z.string(), organisation: z.string(), person: personSchema }),
    errors: [
      'invitation.malformed',
      'invitation.unknown',
      'invitation.used',
      'invitation.expired',
      'relay.anchors',
      'relay.insecureAddress',
      'relay.notAllowed',
      'relay.version',
    ],
  }),

  /**
   * Makes the vault, the keys and the device, and enrols it. After a refusal nothing stays behind; when the answer was
   * lost the vault stays and the same invitation takes it up again, for it may be used up.
   */
  'enrolment.complete': call({
    owner: 'engine',
    phases: ['enrolment'],
    input: z.strictObject({
      invitation: invitationText,
      deviceName: deviceNameSchema,
      protection: protectionSchema,
    }),
    output: nothing,
    errors: [
      'invitation.malformed',
      'invitation.unknown',
      'invitation.used',
      'invitation.expired',
      'relay.anchors',
      'relay.insecureAddress',
      'relay.notAllowed',
      'relay.version',
      'vault.noKeyStore',
      'vault.keyStoreRefused',
      'vault.passphraseTooShort',
      'vault.exists',
      'profile.notWritable',
      'policy.forbidden',
      'keys.malformed',
      'keys.signature',
      'request.malformed',
    ],
  }),

  'vault.unlock': call({
    owner: 'engine',
    phases: ['locked'],
    input: z.strictObject({ passphrase: z.string().min(1).max(1024) }),
    output: nothing,
    /** `vault.passphraseWrong` has `attemptsLeft`, `vault.passphraseWait` has `seconds`. */
    errors: [
      'vault.passphraseWrong',
      'vault.passphraseWait',
      'vault.slotsDamaged',
      'vault.wrongKey',
      'vault.notAVault',
      'vault.missing',
      'vault.newer',
      'profile.notWritable',
      'relay.notAllowed',
    ],
  }),

  /**
   * Makes the vault and asks to be linked to the account of another device: answers with the code to type there
   * (20 characters, 10 minutes). Asked again it gives a new code. The state tells when it has been used.
   */
  'link.begin': call({
    owner: 'engine',
    phases: ['enrolment'],
    input: z.strictObject({
      /** The relay as the other device writes it, or empty where policy fixes it. */
      relay: z.string().max(4096),
      deviceName: deviceNameSchema,
      protection: protectionSchema,
    }),
    output: z.strictObject({ code: z.string(), expiresAt: z.int() }),
    errors: [
      'invitation.malformed',
      'relay.anchors',
      'relay.insecureAddress',
      'relay.notAllowed',
      'relay.version',
      'vault.noKeyStore',
      'vault.keyStoreRefused',
      'vault.passphraseTooShort',
      'vault.exists',
      'profile.notWritable',
      'policy.forbidden',
    ],
  }),

  /** Stops waiting to be linked; nothing stays behind. */
  'link.cancel': call({
    owner: 'engine',
    phases: ['enrolment'],
    input: nothing,
    output: nothing,
    errors: [],
  }),
} as const
