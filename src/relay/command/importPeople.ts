import { readFile } from 'node:fs/promises'
import { CodedError } from '../../base/errors.ts'
import { writeFileAtomically } from '../../base/atomicFile.ts'
import { utf8 } from '../../base/bytes.ts'
import type { RelayText } from '../../text/relay.ts'
import type { ImportReport } from '../accounts/import/report.ts'
import { importPeople as perform, type Imported } from '../data/importing.ts'
import { flagOption, placeOptions, textOption, type Call, type Command } from './command.ts'
import { invitationMailer, invitingOptions, type MailedInvitation } from './inviting.ts'
import { dataFolder, placeSettings } from './place.ts'

/** Brings the accounts in line with a CSV file of persons; the report says all that was found and done. */
export const importPeople: Command = {
  name: 'import',
  usage: 'relayCommand.usage.import',
  options: {
    ...placeOptions,
    file: textOption,
    codes: textOption,
    report: textOption,
    address: textOption,
    certificate: textOption,
    'dry-run': flagOption,
    'skip-bad': flagOption,
    'disable-missing': flagOption,
    mail: flagOption,
    json: flagOption,
  },
  run: async (call) => {
    const { values, terminal, text } = call
    const bytes = await givenBytes(values.needed('file'))
    const dry = values.flag('dry-run')
    const mail = values.flag('mail') && !dry ? invitationMailer(await placeSettings(call), call) : null
    const imported = dry ? await perform({ data: await dataFolder(call), bytes }) : await applied(call, bytes)
    const report = JSON.stringify(imported.report, null, 2)
    const file = values.text('report')
    if (file !== undefined) await writeReport(file, report)
    if (values.flag('json')) terminal.out(report)
    else for (const line of reportLines(imported, dry, text)) terminal.out(line)
    if (!imported.applied && !dry)
      throw new CodedError(values.flag('disable-missing') ? 'import.incomplete' : 'import.refused')
    if (mail !== null) await mailAll(imported, mail, call)
  },
}

async function applied(call: Call, bytes: Uint8Array): Promise<Imported> {
  const { values } = call
  const { settings: _settings, address, ...common } = await invitingOptions(call)
  return perform({
    ...common,
    bytes,
    apply: {
      address,
      codes: values.needed('codes'),
      skipBad: values.flag('skip-bad'),
      disableMissing: values.flag('disable-missing'),
    },
  })
}

async function givenBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (thrown) {
    throw new CodedError('argument.invalid', { option: 'file' }, { cause: thrown })
  }
}

/** For the owner alone: it names persons. */
async function writeReport(file: string, report: string): Promise<void> {
  try {
    await writeFileAtomically(file, utf8(`${report}\n`))
  } catch (thrown) {
    throw new CodedError('argument.invalid', { option: 'report' }, { cause: thrown })
  }
}

/** One failure does not keep the others from being sent; the codes are in their file in any case. */
async function mailAll(
  { codes }: Imported,
  mail: (to: MailedInvitation) => Promise<void>,
  { values, terminal, text }: Call,
): Promise<void> {
  let [sent, failed] = [0, 0]
  for (const { email, ...code } of codes) {
    if (email === null) continue
    try {
      await mail({ ...code, email })
      sent += 1
    } catch (thrown) {
      if (!(thrown instanceof CodedError)) throw thrown
      failed += 1
    }
  }
  if (!values.flag('json')) terminal.out(text('relayImport.mailed', { sent, failed }))
  if (failed > 0) throw new CodedError('mail.failed')
}

function reportLines({ report, applied: done }: Imported, dry: boolean, text: RelayText): readonly string[] {
  const { form, created, updated, unchanged, missing, disabled, problems, ignored } = report
  const counts = { created: created.length, updated: updated.length, unchanged, problems: problems.length }
  const delimiters = {
    ';': text('relayImport.semicolon'),
    ',': text('relayImport.comma'),
    '\t': text('relayImport.tab'),
  }
  const names = { 'utf-8': 'UTF-8', 'utf-8-bom': 'UTF-8 (BOM)', 'windows-1252': 'Latin-1 (Windows-1252)' }
  return [
    ...(form === null
      ? []
      : [
          text('relayImport.form', { encoding: names[form.encoding], delimiter: delimiters[form.delimiter] }),
        ]),
    ...problems.map((problem) => problemLine(problem, text)),
    ...(ignored.length === 0 ? [] : [text('relayImport.ignored', { columns: ignored.join(', ') })]),
    ...disabled.map(({ accountId, name }) => text('relayImport.disabled', { account: accountId, name })),
    ...(missing > disabled.length ? [text('relayImport.missing', { count: missing })] : []),
    ...(dry ? [text('relayImport.dry', counts)] : done ? [text('relayImport.done', counts)] : []),
  ]
}

function problemLine({ line, code, column }: ImportReport['problems'][number], text: RelayText): string {
  const what = text(`relayImport.problem.${code}`)
  const where = line === 0 ? '' : text('relayImport.line', { line })
  return [where, column, what].filter((part) => part !== '').join(' · ')
}
