import { spokenInvitationCode } from '../../wire/invitation.ts'
import { accountRoles } from '../accounts/standing.ts'
import { createInvitation, createInvitationAgain, type CreatedInvitation } from '../data/invitations.ts'
import { expiry } from './accounts.ts'
import { flagOption, placeOptions, textOption, type Call, type Command } from './command.ts'
import { invitationMailer, invitingOptions } from './inviting.ts'
import { missing, type Values } from './values.ts'

const ofPersons = [
  'name',
  'title',
  'service',
  'organisation',
  'email',
  'identifier',
  'role',
  'expires',
] as const

export const invite: Command = {
  name: 'invite',
  usage: 'relayCommand.usage.invite',
  options: {
    ...placeOptions,
    name: textOption,
    account: textOption,
    title: textOption,
    service: textOption,
    organisation: textOption,
    email: textOption,
    identifier: textOption,
    role: textOption,
    expires: textOption,
    address: textOption,
    certificate: textOption,
    mail: flagOption,
    json: flagOption,
  },
  run: async (call) => {
    const { values, terminal, text } = call
    const { settings, ...common } = await invitingOptions(call)
    const mail = values.flag('mail') ? invitationMailer(settings, call) : null
    const invited = await perform(call, common)
    const { invitation, name } = invited
    if (values.flag('json')) terminal.out(JSON.stringify(invitation))
    else {
      const until = new Date(invitation.expiresAt).toLocaleString(text.language)
      terminal.out(text('relayCommand.invited', { name, until }))
      terminal.out(invitation.text)
      terminal.out(text('relayCommand.code', { code: spokenInvitationCode(invitation.code) }))
    }
    if (mail === null) return
    const { email } = invitation
    await mail({ ...invitation, name, email: email ?? missing('email') })
  },
}

type Inviting = Omit<Awaited<ReturnType<typeof invitingOptions>>, 'settings'>

async function perform(
  call: Call,
  common: Inviting,
): Promise<{
  readonly invitation: CreatedInvitation & { readonly email: string | null }
  readonly name: string
}> {
  const { values } = call
  if (values.text('account') !== undefined) {
    const account = knownAccount(values)
    const { displayName, ...invitation } = await createInvitationAgain({
      ...common,
      account,
      toMail: values.flag('mail'),
    })
    return { invitation, name: displayName }
  }
  if (values.flag('mail') && values.text('email') === undefined) missing('email')
  const name = values.needed('name')
  const [role, expires] = [values.oneOf('role', accountRoles), expiry(call)]
  const invitation = await createInvitation({
    ...common,
    name,
    ...values.given('title', 'title'),
    ...values.given('service', 'service'),
    ...values.given('organisation', 'organisation'),
    ...values.given('email', 'email'),
    ...values.given('identifier', 'identifier'),
    ...(role === undefined ? {} : { role }),
    ...(expires === null ? {} : { expires }),
  })
  return { invitation, name }
}

/** What the directory says of an account does not change with an invitation. */
function knownAccount(values: Values): string {
  for (const option of ofPersons) {
    if (values.text(option) !== undefined) missing(option)
  }
  return values.needed('account')
}
