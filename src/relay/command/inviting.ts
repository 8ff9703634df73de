import type { InvitingOptions } from '../data/invitations.ts'
import { sendMail } from '../accounts/mail.ts'
import type { Settings } from '../settings/settings.ts'
import type { Call } from './command.ts'
import { placeSettings } from './place.ts'
import { readGiven } from './readGiven.ts'
import { missing } from './values.ts'

/** What invitations say of the relay: options of the call, otherwise its settings. */
export async function invitingOptions(
  call: Call,
): Promise<InvitingOptions & { readonly settings: Settings }> {
  const { values } = call
  const settings = await placeSettings(call)
  const address = values.text('address') ?? settings.address ?? missing('address')
  const secure = address.startsWith('https:')
  const certificate = values.text('certificate') ?? (secure ? settings['tls.certificate'] : null)
  return {
    settings,
    data: settings.data ?? missing('data'),
    address,
    tlsEndsAtProxy: settings['tls.endsAtProxy'],
    ...(certificate === null ? {} : { certificate: await readGiven('certificate', certificate) }),
  }
}

export interface MailedInvitation {
  /** As it is stored. */
  readonly email: string
  readonly name: string
  readonly text: string
  readonly expiresAt: number
}

/** Sends invitations by the mail program of the settings; refuses `--mail` when there is none. */
export function invitationMailer(
  settings: Settings,
  { text }: Call,
): (to: MailedInvitation) => Promise<void> {
  const command = settings['mail.command']
  if (command === null || command.length === 0) return missing('mail')
  return async ({ email, name, text: invitation, expiresAt }) => {
    const until = new Date(expiresAt).toLocaleDateString(text.language)
    await sendMail(command, {
      to: email,
      subject: text('relayMail.subject'),
      text: text('relayMail.body', { name, until, invitation }),
    })
  }
}
