import { spokenInvitationCode } from '../../wire/invitation.ts'
import { createInvitation, createInvitationAgain, type CreatedInvitation } from '../data/invitations.ts'
import { flagOption, placeOptions, textOption, type Call, type Command } from './command.ts'
import { placeSettings } from './place.ts'
import { readGiven } from './readGiven.ts'
import { missing, type Values } from './values.ts'

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
    address: textOption,
    certificate: textOption,
    json: flagOption,
  },
  run: async (call) => {
    const { values, terminal, text } = call
    const { invitation, name } = await invited(call)
    if (values.flag('json')) {
      terminal.out(JSON.stringify(invitation))
      return
    }
    const until = new Date(invitation.expiresAt).toLocaleString(text.language)
    terminal.out(text('relayCommand.invited', { name, until }))
    terminal.out(invitation.text)
    terminal.out(text('relayCommand.code', { code: spokenInvitationCode(invitation.code) }))
  },
}

async function invited(
  call: Call,
): Promise<{ readonly invitation: CreatedInvitation; readonly name: string }> {
  const { values } = call
  const settings = await placeSettings(call)
  const address = values.text('address') ?? settings.address ?? missing('address')
  const secure = address.startsWith('https:')
  const certificate = values.text('certificate') ?? (secure ? settings['tls.certificate'] : null)
  const common = {
    data: settings.data ?? missing('data'),
    address,
    ...(certificate === null ? {} : { certificate: await readGiven('certificate', certificate) }),
  }
  if (values.text('account') !== undefined) {
    const account = knownAccount(values)
    const { displayName, ...invitation } = await createInvitationAgain({ ...common, account })
    return { invitation, name: displayName }
  }
  const name = values.needed('name')
  const invitation = await createInvitation({
    ...common,
    name,
    ...values.given('title', 'title'),
    ...values.given('service', 'service'),
    ...values.given('organisation', 'organisation'),
  })
  return { invitation, name }
}

/** What the directory says of an account does not change with an invitation. */
function knownAccount(values: Values): string {
  for (const option of ['name', 'title', 'service', 'organisation']) {
    if (values.text(option) !== undefined) missing(option)
  }
  return values.needed('account')
}
