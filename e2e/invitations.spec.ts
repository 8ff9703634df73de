import { execFile } from 'node:child_process'
import { cp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from '@playwright/test'
import type { ErrorCode } from '../src/base/errors.ts'
import { errorText } from '../src/text/index.ts'
import { expect, test } from './fixture.ts'
import { solene, tahar } from './support/pair.ts'
import { createRelay, type RelayProcess, type TlsFiles } from './support/relay.ts'
import { enrol, readState, text, waitForPhase, type Workstation } from './support/workstation.ts'

/** Pastes a text as invitation and goes on: the screen stays and says why, with what to do. */
async function expectRefused(page: Page, invitation: string, code: ErrorCode): Promise<void> {
  await page.getByLabel(text('enrol.invitation'), { exact: true }).fill(invitation)
  await page.getByRole('button', { name: text('enrol.continue') }).click()
  await expect(page.getByRole('alert').filter({ hasText: errorText(text, code) })).toBeVisible()
  await expect(page.getByLabel(text('enrol.invitation'), { exact: true })).toHaveAttribute(
    'aria-invalid',
    'true',
  )
  await expect(page.getByRole('heading', { name: text('enrol.protectTitle') })).toHaveCount(0)
  expect((await readState(page)).phase).toBe('enrolment')
}

/** Nothing was made that would stand in the way of the right invitation. */
async function expectUntouched({ profile }: Workstation): Promise<void> {
  expect(await readdir(profile)).toEqual(['chromium'])
}

test('a wrong, used or expired invitation is refused with what to do, and the right one still works', async ({
  relay,
  workstation,
  folder,
}) => {
  const first = await workstation('first')
  await waitForPhase(first.page, 'enrolment')
  const used = await relay.invite(solene)
  await enrol(first.page, used)
  await first.close()

  const second = await workstation('second')
  const { page } = second
  await waitForPhase(page, 'enrolment')
  const good = await relay.invite(tahar)
  await page.getByLabel(text('enrol.invitation'), { exact: true }).fill('Bonjour, voici mon code')
  await expect(page.getByText(text('enrol.invitationPrefix'), { exact: true })).toBeVisible()
  await expectRefused(page, good.slice(0, -5), 'invitation.malformed')
  await expectRefused(
    page,
    good.replace(/.(?=.{20}$)/u, (one) => (one === 'A' ? 'B' : 'A')),
    'invitation.malformed',
  )
  await expectRefused(page, used, 'invitation.used')
  await expectRefused(page, await relay.invite(tahar, { daysAgo: 8 }), 'invitation.expired')
  await expectRefused(page, await forgottenInvitation(relay, join(folder, 'backup')), 'invitation.unknown')
  await expectUntouched(second)
  // As a mail program breaks it.
  await enrol(page, good.replaceAll(/(.{60})/gu, '$1\n'))
})

test('an invitation of another relay is refused by its code and its trust anchors', async ({
  relay,
  workstation,
  folder,
}) => {
  const other = await createRelay(join(folder, 'other'), 'Préfecture du Gers')
  await other.start()
  const started = await workstation('lost')
  await waitForPhase(started.page, 'enrolment')
  const foreign = await other.invite(solene, { address: relay.address() })
  await expectRefused(started.page, foreign, 'relay.anchors')
  await other.stop()
  await expectRefused(started.page, await other.invite(solene), 'relay.unreachable')
  await expectUntouched(started)
})

test('a relay that shows another certificate is refused, and the right one is enrolled with', async ({
  workstation,
  folder,
}) => {
  const own = await selfSigned(folder, 'own')
  const relay = await createRelay(join(folder, 'secure'), 'Préfecture des Landes', own)
  await relay.start()
  expect(relay.address()).toMatch(/^https:/u)
  const started = await workstation('careful')
  await waitForPhase(started.page, 'enrolment')
  const { certificate } = await selfSigned(folder, 'other')
  await expectRefused(started.page, await relay.invite(solene, { certificate }), 'relay.certificate')
  await expectUntouched(started)
  await enrol(started.page, await relay.invite(solene))
  await expect(started.page.getByRole('banner')).toContainText(text('network.online'))
  await relay.stop()
})

/** An invitation that a relay made before it was put back to an older backup. */
async function forgottenInvitation(relay: RelayProcess, backup: string): Promise<string> {
  await relay.stop()
  await cp(relay.data, backup, { recursive: true })
  const invitation = await relay.invite(tahar)
  await rm(relay.data, { recursive: true })
  await rename(backup, relay.data)
  await relay.start()
  return invitation
}

async function selfSigned(folder: string, name: string): Promise<TlsFiles> {
  const files = { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) }
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const to = ['-out', files.certificate, '-keyout', files.key]
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...subject, ...to])
  return files
}
