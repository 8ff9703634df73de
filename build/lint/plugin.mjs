// Rules of the house for oxlint (ESLint's plugin interface).
import { relative, sep } from 'node:path'
import { forbiddenImport } from './rooms.mjs'

/** @param {any} context */
function pathOf(context) {
  return relative(context.cwd, context.filename).split(sep).join('/')
}

/** @param {string} file */
const isTest = (file) => /\.(test|spec)\.[a-z]+$/.test(file) || /^(e2e|bench)\//.test(file)

const rooms = {
  create(/** @type {any} */ context) {
    const file = pathOf(context)
    /** @param {any} node @param {boolean} typeOnly */
    const look = (node, typeOnly) => {
      const specifier = node.source?.value
      if (typeof specifier !== 'string') return
      const message = forbiddenImport(file, specifier, typeOnly)
      if (message !== null) context.report({ node, message })
    }
    return {
      ImportDeclaration: (/** @type {any} */ node) => look(node, node.importKind === 'type'),
      ExportNamedDeclaration: (/** @type {any} */ node) => look(node, node.exportKind === 'type'),
      ExportAllDeclaration: (/** @type {any} */ node) => look(node, node.exportKind === 'type'),
      ImportExpression: (/** @type {any} */ node) => look(node, false),
      TSImportType: (/** @type {any} */ node) => look(node, true),
    }
  },
}

/** What stands in one file only: the rest of the house calls that file. */
const places = {
  openExternal: ['main/links.ts'],
  openPath: [],
  registerSchemesAsPrivileged: ['main/startup.ts'],
}

const onePlace = {
  create(/** @type {any} */ context) {
    const file = pathOf(context)
    if (!file.startsWith('main/') && !file.startsWith('src/')) return {}
    return {
      MemberExpression(/** @type {any} */ node) {
        const name = node.property?.name
        const allowed = Object.hasOwn(places, name) ? places[/** @type {keyof typeof places} */ (name)] : null
        if (allowed !== null && !(/** @type {string[]} */ (allowed).includes(file))) {
          context.report({ node, message: `${name} stands in ${allowed.join(', ') || 'no file'} only` })
        }
      },
      NewExpression(/** @type {any} */ node) {
        if (node.callee.name === 'BrowserWindow' && file !== 'main/windows.ts') {
          context.report({ node, message: 'windows are made by main/windows.ts only' })
        }
      },
    }
  },
}

const noAsyncTransaction = {
  create: (/** @type {any} */ context) => ({
    CallExpression(/** @type {any} */ node) {
      if (node.callee.property?.name !== 'transaction') return
      for (const argument of node.arguments) {
        if (argument.async === true) {
          context.report({
            node: argument,
            message: 'a transaction ends at the first await of an async function',
          })
        }
      }
    },
  }),
}

const noWeakRandom = {
  create(/** @type {any} */ context) {
    if (isTest(pathOf(context))) return {}
    return {
      MemberExpression(/** @type {any} */ node) {
        if (node.object.name === 'Math' && node.property.name === 'random') {
          context.report({ node, message: 'Math.random can be guessed: use node:crypto' })
        }
      },
    }
  },
}

const caught = /^_?(error|thrown|cause|reason)$/
const spoken = new Set(['message', 'stack', 'name'])

/** ARCHITECTURE rule 11: what was thrown is told by its code. What is caught has one of few names, so that this is seen. */
const noErrorText = {
  create(/** @type {any} */ context) {
    const file = pathOf(context)
    // The adapter of libsignal, which has no code for some failures.
    if (!/^(src|main|renderer)\//.test(file) || isTest(file) || file === 'src/protocol/errors.ts') return {}
    /** @param {any} node */
    const named = (node) => {
      if (node?.type !== 'Identifier' || caught.test(node.name)) return
      context.report({ node, message: 'what is caught is called error, thrown, cause or reason' })
    }
    return {
      CatchClause: (/** @type {any} */ node) => named(node.param),
      CallExpression(/** @type {any} */ node) {
        if (node.callee.property?.name !== 'catch') return
        named(node.arguments[0]?.params?.[0])
      },
      MemberExpression(/** @type {any} */ node) {
        if (!caught.test(node.object.name ?? '') || !spoken.has(node.property?.name)) return
        context.report({ node, message: 'no decision by an error’s text or name: errors carry codes' })
      },
    }
  },
}

/**
 * Where the engine may count time, each with what its end does: it ends a connection, looks again, or tells the window.
 * None gives anything up: a time-out is no answer.
 */
const timed = [
  'src/engine/conversations/expiry.ts',
  'src/engine/account/paced.ts',
  'src/engine/messenger.ts',
  'src/engine/sending/outbox.ts',
  'src/engine/conversations/typing.ts',
  'src/engine/account/upkeep.ts',
  'src/engine/views/viewChanges.ts',
  'src/engine/account/waitingForLink.ts',
]

const noTimeOut = {
  create(/** @type {any} */ context) {
    const file = pathOf(context)
    const watched = /^src\/(engine|protocol|storage|content|journal)\//.test(file)
    if (!watched || isTest(file) || timed.includes(file)) return {}
    if (/^src\/engine\/(relay|testing|model|attacks)\//.test(file)) return {}
    return {
      CallExpression(/** @type {any} */ node) {
        if (node.callee.name !== 'setTimeout' && node.callee.name !== 'setInterval') return
        context.report({ node, message: 'no decision by a time-out: see the list in build/lint/plugin.mjs' })
      },
    }
  },
}

const noDisabling = {
  create: (/** @type {any} */ context) => ({
    Program() {
      for (const comment of context.sourceCode.getAllComments()) {
        if (/(?:eslint|oxlint)-disable|@ts-(?:ignore|nocheck|expect-error)/.test(comment.value)) {
          context.report({ node: comment, message: 'no rule is switched off by a comment' })
        }
      }
    },
  }),
}

export default {
  meta: { name: 'valise' },
  rules: {
    rooms,
    'one-place': onePlace,
    'no-async-transaction': noAsyncTransaction,
    'no-weak-random': noWeakRandom,
    'no-disabling': noDisabling,
    'no-error-text': noErrorText,
    'no-time-out': noTimeOut,
  },
}
