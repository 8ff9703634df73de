import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from './fixture.ts'
import { electronProgram, launchArguments, waitForPhase } from './support/workstation.ts'

/** A start that must be refused: its exit code and what it wrote to standard error. */
async function refusedStart(
  profile: string,
  args: readonly string[] = [],
): Promise<{ code: number | null; said: string }> {
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const child = spawn(await electronProgram(), launchArguments(profile, [...sandbox, ...args]), {
    env: { ...process.env, VALISE_DIALOGS: 'stderr' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const limit = setTimeout(() => child.kill('SIGKILL'), 60_000)
  await once(child, 'exit')
  clearTimeout(limit)
  return { code: child.exitCode, said }
}

test('a second instance on the same profile says so and brings the first to the front', async ({
  workstation,
  folder,
}) => {
  const { app, page } = await workstation('one')
  await waitForPhase(page, 'enrolment')
  await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.minimize())
  const { code, said } = await refusedStart(join(folder, 'one'))
  expect(code).toBe(3)
  expect(said).toContain('profile.inUse')
  expect(said).toContain('Valise est déjà ouverte sur ce profil.')
  await expect
    .poll(() => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isMinimized()))
    .toBe(false)
  expect(app.windows()).toHaveLength(1)
})

test('two profiles run side by side', async ({ workstation }) => {
  const [one, two] = [await workstation('one'), await workstation('two')]
  await waitForPhase(one.page, 'enrolment')
  await waitForPhase(two.page, 'enrolment')
})

test('a profile that cannot be written is refused and left as it was', async ({ folder }) => {
  test.skip(process.getuid?.() === 0, 'root may write everywhere')
  const closed = join(folder, 'closed')
  await mkdir(closed, { mode: 0o500 })
  const { code, said } = await refusedStart(join(closed, 'profile'))
  expect([code, said.includes('profile.notWritable')]).toEqual([4, true])
  expect(said).toContain('Valise ne peut pas écrire dans son dossier.')
  expect(said).not.toMatch(/\bat .+\.js:\d+/)
  expect(await readdir(closed)).toEqual([])
  await chmod(closed, 0o700)
})

test('a link and a folder that others may enter are refused', async ({ folder }) => {
  await mkdir(join(folder, 'real'), { mode: 0o700 })
  await symlink(join(folder, 'real'), join(folder, 'link'))
  expect(await refusedStart(join(folder, 'link'))).toMatchObject({ code: 5 })
  await mkdir(join(folder, 'open'))
  await writeFile(join(folder, 'open/letter'), 'x')
  await chmod(join(folder, 'open'), 0o755)
  expect(await refusedStart(join(folder, 'open'))).toMatchObject({ code: 5 })
  expect(await readdir(join(folder, 'open'))).toEqual(['letter'])
  expect((await stat(join(folder, 'open'))).mode & 0o777).toBe(0o755)
})

test('an empty profile switch is refused', async ({ folder }) => {
  const { code, said } = await refusedStart(folder, ['--profile='])
  expect([code, said.includes('argument.invalid')]).toEqual([2, true])
})

test('the profile and all in it are for this user alone', async ({ workstation, folder }) => {
  const { page, close } = await workstation('private')
  await waitForPhase(page, 'enrolment')
  await close()
  const profile = join(folder, 'private')
  for (const name of ['.', ...(await readdir(profile, { recursive: true }))]) {
    expect.soft((await stat(join(profile, name))).mode & 0o077, name).toBe(0)
  }
})
