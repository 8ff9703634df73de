import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseExternalLink } from './externalLink.ts'

describe('parseExternalLink', () => {
  it.each([
    ['https://www.service-public.fr/particuliers?x=1#y', 'www.service-public.fr'],
    ['HTTPS://Example.ORG:8443/', 'example.org:8443'],
    ['https://préfecture.fr/', 'xn--prfecture-c4a.fr'],
    ['https://аpple.com/', 'xn--pple-43d.com'],
    ['mailto:accueil@landes.gouv.fr', 'accueil@landes.gouv.fr'],
  ])('takes %s and shows %s', (address, shown) => {
    expect(parseExternalLink(address).shown).toBe(shown)
  })

  it.each([
    '',
    'x',
    'http://example.org/',
    'https://',
    'https:example.org',
    'https:/example.org',
    'https:///example.org',
    'https://user@example.org/',
    'https://user:secret@example.org/',
    'https://example.org@evil.example/',
    'https://example.org\\@evil.example/',
    ' https://example.org/',
    'https://example.org/\n',
    'ht\ttps://example.org/',
    'https://example.org/\u0000',
    'https://example.org/\u202Egnp.exe',
    'https://exam\u200Bple.org/',
    'https://exa mple.org/',
    'file:///etc/passwd',
    'file://server/share',
    'smb://server/share',
    '\\\\server\\share',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,<script>',
    'blob:https://example.org/x',
    'view-source:https://example.org',
    'ms-msdt:/id',
    'ms-officecmd:x',
    'search-ms:query=x',
    'vbscript:x',
    'tel:112',
    'ssh://host',
    'app://main/index.html',
    'chrome://settings',
    'devtools://devtools',
    'mailto:',
    'mailto:a@b.fr,c@d.fr',
    'mailto:a@b.fr?attach=/etc/passwd',
    'mailto:a@b.fr?subject=x',
    'mailto:a%0Ab@c.fr',
    'mailto:a@b',
  ])('refuses %j', (address) => {
    expect(() => parseExternalLink(address)).toThrow('link.refused')
  })

  it('lets only its two schemes out, whatever comes in', () => {
    const text = fc.oneof(
      fc.webUrl(),
      fc.string({ unit: 'binary' }),
      fc.emailAddress().map((mail) => `mailto:${mail}`),
    )
    fc.assert(
      fc.property(text, (address) => {
        try {
          expect(parseExternalLink(address).href).toMatch(/^(https:\/\/[^/@]+\/|mailto:[^?]+$)/)
        } catch (error) {
          expect(error).toMatchObject({ code: 'link.refused' })
        }
      }),
      { numRuns: 1000 },
    )
  })
})
