import { dialog, shell, type BrowserWindow } from 'electron'
import type { Text } from '../src/text/index.ts'
import { parseExternalLink } from './externalLink.ts'

/**
 * SECURITY 8: the one function that opens external links (a lint rule forbids `openExternal` elsewhere). The person is
 * asked with the parsed host by a system dialog, which no page can draw over. Throws `link.refused`.
 */
export async function openLink(
  window: BrowserWindow | null,
  address: string,
  text: Text,
): Promise<{ opened: boolean }> {
  const link = parseExternalLink(address)
  const options = {
    type: 'question' as const,
    title: 'Valise',
    message: text('link.confirmTitle', { host: link.shown }),
    detail: text('link.confirmDetail', { address: link.href }),
    buttons: [text('link.confirmOpen'), text('link.confirmCancel')],
    defaultId: 1,
    cancelId: 1,
    noLink: true,
  }
  const { response } = await (window === null
    ? dialog.showMessageBox(options)
    : dialog.showMessageBox(window, options))
  if (response !== 0) return { opened: false }
  await shell.openExternal(link.href)
  return { opened: true }
}
