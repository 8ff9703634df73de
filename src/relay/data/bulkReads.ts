import { CodedError } from '../../base/errors.ts'
import { writeFileAtomically } from '../../base/atomicFile.ts'
import { utf8, type Bytes } from '../../base/bytes.ts'
import { canonicalInvitationCode } from '../../wire/invitation.ts'
import { csvText } from '../accounts/csvText.ts'
import { invitationCodeHash } from '../http/enrolment.ts'
import type { ActContext, PersonRecord } from '../store/peopleStore.ts'
import { allAccounts } from './importing.ts'
import { newCode } from './invitations.ts'
import { withStore } from './withStore.ts'

/**
 * The two-person rule for reads of everything: one asks, another one allows, the first one reads, once and within the hour.
 * Contexts come from `personContext`. It binds who uses these commands; who may read the database file itself is a matter of the machine.
 */
const approvalMs = 3_600_000
const what = 'accounts'

/** The code that the other person is told. */
export async function askForExport(data: string, context: ActContext): Promise<string> {
  const code = newCode()
  const request = { codeHash: invitationCodeHash(code), what, expiresAt: context.now + approvalMs }
  await withStore(data, async ({ approvals }) => approvals.ask(request, context))
  return code
}

/** Throws `approval.samePerson`, `approval.missing`. */
export async function approveExport(data: string, code: string, context: ActContext): Promise<void> {
  const outcome = await withStore(data, async ({ approvals }) => approvals.approve(hashOf(code), context))
  if (outcome === 'samePerson') throw new CodedError('approval.samePerson')
  if (outcome === 'unknown') throw new CodedError('approval.missing')
}

/** All accounts as a table, for the owner of the file alone. Throws `approval.missing`, or `argument.invalid` for the file. */
export async function exportAccounts(
  data: string,
  code: string,
  file: string,
  context: ActContext,
): Promise<{ readonly accounts: number }> {
  return withStore(data, async (store) => {
    if ((await store.approvals.use(hashOf(code), context)) !== 'used')
      throw new CodedError('approval.missing')
    const accounts = await allAccounts(store)
    try {
      await writeFileAtomically(file, utf8(tableOf(accounts)))
    } catch (thrown) {
      throw new CodedError('argument.invalid', { option: 'out' }, { cause: thrown })
    }
    return { accounts: accounts.length }
  })
}

function hashOf(code: string): Bytes {
  const canonical = canonicalInvitationCode(code)
  if (canonical === null) throw new CodedError('approval.missing')
  return invitationCodeHash(canonical)
}

function tableOf(accounts: readonly PersonRecord[]): string {
  const head = [
    'account',
    'name',
    'title',
    'service',
    'organisation',
    'email',
    'identifier',
    'role',
    'expires',
  ]
  const rows = accounts.map((each) => [
    each.accountId,
    each.displayName,
    each.title,
    each.service,
    each.organisation,
    each.email ?? '',
    each.identifier ?? '',
    each.role,
    each.expiresAt === null ? '' : new Date(each.expiresAt).toISOString(),
    String(each.hidden),
    String(each.disabled),
    String(each.devices),
  ])
  return csvText([[...head, 'hidden', 'disabled', 'devices'], ...rows])
}
