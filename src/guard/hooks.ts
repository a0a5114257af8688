/**
 * Environment names through which a loader or an interpreter runs code that the command line does not show. A
 * `trusted` command with one of these is `checked`.
 */
const EXACT = new Set(
  [
    'GLIBC_TUNABLES GCONV_PATH GTK_MODULES GTK_PATH QT_PLUGIN_PATH GIO_EXTRA_MODULES',
    'BASH_ENV ENV SHELLOPTS BASHOPTS BASH_LOADABLES_PATH PS4 PROMPT_COMMAND ZDOTDIR FPATH',
    'PYTHONSTARTUP PYTHONPATH PYTHONHOME PYTHONUSERBASE PYTHONBREAKPOINT PYTHONINSPECT PYTHONEXECUTABLE',
    'PYTHONPYCACHEPREFIX PYTHONPLATLIBDIR PYTHONWARNINGS',
    'PERL5OPT PERL5LIB PERLLIB PERL5DB RUBYOPT RUBYLIB GEM_HOME GEM_PATH BUNDLE_GEMFILE',
    'NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE NPM_CONFIG_SCRIPT_SHELL npm_config_script_shell',
    'NPM_CONFIG_USERCONFIG NPM_CONFIG_GLOBALCONFIG NPM_CONFIG_NODE_OPTIONS',
    'npm_config_userconfig npm_config_globalconfig npm_config_node_options',
    'JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS JAVA_OPTS MAVEN_OPTS GRADLE_OPTS ANT_OPTS CLASSPATH JAVA_HOME',
    'LUA_INIT LUA_PATH LUA_CPATH TCLLIBPATH PHPRC PHP_INI_SCAN_DIR R_PROFILE R_PROFILE_USER R_ENVIRON R_ENVIRON_USER',
    'R_LIBS R_LIBS_USER JULIA_LOAD_PATH JULIA_DEPOT_PATH JULIA_PROJECT',
    'DOTNET_STARTUP_HOOKS CORECLR_PROFILER_PATH AWKPATH AWKLIBPATH GUILE_LOAD_PATH EMACSLOADPATH',
    'VIMINIT EXINIT MYVIMRC VIMRUNTIME GOFLAGS GOENV RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER GCC_EXEC_PREFIX COMPILER_PATH',
    'GIT_SSH GIT_SSH_COMMAND GIT_PROXY_COMMAND GIT_EXTERNAL_DIFF GIT_ASKPASS GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_PAGER',
    'GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_DIR GIT_COMMON_DIR SSH_ASKPASS SUDO_ASKPASS',
    'RSYNC_RSH CVS_RSH SVN_SSH TAR_OPTIONS WGETRC MAKEFLAGS GNUMAKEFLAGS MAKEFILES',
    'ANSIBLE_CONFIG TERMINFO TERMINFO_DIRS OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES KRB5_CONFIG',
  ].flatMap((line) => line.split(' ')),
);
const PREFIXES = ['LD_', 'BASH_FUNC_', 'GIT_CONFIG', 'LUA_INIT_', 'LUA_PATH_', 'LUA_CPATH_', 'DYLD_'];

/**
 * What make, git, npm, bundler, gcc and vim set for the programs they start. Where the program that starts another is
 * trusted already these say nothing: it could have started whatever they name.
 */
const HANDED_DOWN = new Set(
  [
    'MAKEFLAGS GIT_DIR GIT_EXEC_PATH GIT_EDITOR GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT GIT_ASKPASS',
    'npm_config_userconfig npm_config_globalconfig npm_config_node_options npm_config_script_shell NODE_PATH',
    'RUBYOPT RUBYLIB BUNDLE_GEMFILE GEM_HOME GEM_PATH COMPILER_PATH VIMRUNTIME MYVIMRC',
  ].flatMap((line) => line.split(' ')),
);

/** Names that begin with any other two letters need no look. */
const BEGINNINGS = new Uint8Array(65_536);
for (const name of [...EXACT, ...PREFIXES]) BEGINNINGS[(name.charCodeAt(0) << 8) | name.charCodeAt(1)] = 1;

/** False: no name that begins with these two bytes is a hook. */
export const mayBeHook = (first: number, second: number): boolean => BEGINNINGS[(first << 8) | second] === 1;

/** `byTrusted`: the program that sets it runs under `trusted`. */
export function isHook(name: string, byTrusted = false): boolean {
  if (!mayBeHook(name.charCodeAt(0), name.charCodeAt(1))) return false;
  if (byTrusted && HANDED_DOWN.has(name)) return false;
  return EXACT.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix));
}
