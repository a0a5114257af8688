# The line gate's part in the shell: a typed line is shown to the door before bash parses it.
# A courtesy: whoever wants to can step around it, and then meets the exec gate.
#
# Enter, ^J and ^O become a macro of two private keys. The first runs __sallyport_line, which asks; the second does
# what the answer was: accept the line, or show the refusal. Only builtins run here, nothing forks. Nothing here
# depends on IFS or on variables without our prefix, because a person may have made any of them readonly.

if ! builtin declare -F __sallyport_line >/dev/null &&
  ((BASH_VERSINFO[0] > 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4))) &&
  [[ -o emacs || -o vi ]]; then

  __sallyport_run=/run/sallyport
  __sallyport_n=0 __sallyport_ran=-1 __sallyport_id=0 __sallyport_armed=accept __sallyport_entry=$'{\n__sallyport_prompt "$_"\n} 2>/dev/null'
  __sallyport_more='' __sallyport_blank='' __sallyport_held='' __sallyport_raw='' __sallyport_text='' __sallyport_last=''
  __sallyport_trace='' __sallyport_answer='' __sallyport_lastarg='' __sallyport_editor=''

  # Counts primary prompts, so that the door can tell a new command from the rest of one and from input to `read -e`.
  # Alone on its line in PROMPT_COMMAND: prompt frameworks that look for their caller there then know it.
  # Bash restores $? and $_ after each element; $_ is kept because it does not after a key's command.
  __sallyport_prompt() {
    builtin local -
    builtin set +ekux
    __sallyport_lastarg=$1
    __sallyport_n=$((__sallyport_n + 1)) __sallyport_more='' __sallyport_blank='' __sallyport_held='' __sallyport_raw=''
    builtin return 0
  }

  # Puts the counter back if a start-up file or the user took it away; true if this question starts a new command.
  __sallyport_missing() {
    builtin local __sp_entry __sp_number='\#'
    for __sp_entry in "${PROMPT_COMMAND[@]}"; do
      [[ $__sp_entry == *__sallyport_prompt* ]] && builtin return 1
    done
    if [[ ${PROMPT_COMMAND@a} == *r* ]]; then
      # It is readonly. Bash's own command number still tells a new command from a continuation line.
      __sp_number=${__sp_number@P}
      [[ $__sp_number == "$__sallyport_last" && -n $__sallyport_more ]] && builtin return 1
      __sallyport_last=$__sp_number __sallyport_n=$((__sallyport_n + 1))
      builtin return 0
    fi
    __sallyport_n=$((__sallyport_n + 1))
    if ((BASH_VERSINFO[0] > 5 || (BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] >= 1))); then
      PROMPT_COMMAND+=("$__sallyport_entry")
    else
      PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}$__sallyport_entry
    fi
    builtin return 0
  }

  # A field of a question: newlines would end it, byte 1 is the escape. Result in __sallyport_answer.
  __sallyport_field() {
    __sallyport_answer=$1
    if [[ $__sallyport_answer == *[$'\1\n']* ]]; then
      __sallyport_answer=${__sallyport_answer//$'\1'/$'\1a'}
      __sallyport_answer=${__sallyport_answer//$'\n'/$'\1n'}
    fi
  }

  # Asks the door about $1; the verb in __sallyport_answer, the text of a refusal in __sallyport_text.
  # Opened for reading and writing, a FIFO never blocks in open. Asked again twice within two seconds, because an answer
  # can be lost to another shell of the session.
  __sallyport_ask() {
    builtin local __sp_line __sp_dir __sp_path __sp_try __sp_wait=0.66 REPLY
    __sallyport_field "$PWD"
    __sp_dir=$__sallyport_answer
    __sallyport_field "${PATH-}"
    __sp_path=$__sallyport_answer
    __sallyport_field "$1"
    __sp_line=$__sallyport_answer
    __sallyport_id=$((__sallyport_id + 1))
    for ((__sp_try = 0; __sp_try < 3; __sp_try++)); do
      # One format, one write: up to 4 KiB arrive whole even if another shell of the session asks now.
      builtin printf 'SP1\000line\000%s\000%s\000%s\000%s\000%s\000%s\000%s\n' "$$" "$__sallyport_id" \
        "$__sallyport_n" "$2" "$__sp_dir" "$__sp_path" "$__sp_line" 1<>"$__sallyport_run/q" || builtin break
      # One file description for the whole wait: a FIFO that nobody has open forgets what is in it.
      __sallyport_hear <>"$__sallyport_run/a" && builtin return 0
    done
    __sallyport_answer=none
  }

  # Waits for the answer on standard input. One of another shell that still lives is put back for it.
  __sallyport_hear() {
    builtin local __sp_rest __sp_pid __sp_back=0
    while builtin read -r -N 1024 -t "$__sp_wait"; do
      __sp_rest=${REPLY#SP1 }
      __sp_pid=${__sp_rest%%.*}
      if [[ $REPLY != "SP1 $$.$__sallyport_id "* ]]; then
        if [[ $__sp_pid != "$$" && $__sp_pid != *[!0-9]* && -d /proc/$__sp_pid ]] && ((__sp_back++ < 200)); then
          builtin printf %s "$REPLY" >&0
        fi
        builtin continue
      fi
      __sp_rest=${__sp_rest#* }
      __sp_rest=${__sp_rest%%$'\t'*}
      __sallyport_answer=${__sp_rest%% *}
      __sp_rest=${__sp_rest#* }
      case $__sallyport_answer in
        ok | more | no)
          __sallyport_text=$__sp_rest
          builtin return 0
          ;;
        types) __sallyport_types "$__sp_rest" ;;
        # Held, for as long as the door says so.
        wait) __sp_try=-1 __sp_wait=2 ;;
      esac
    done
    # Whatever is left of something that was no answer would put every later one out of step.
    builtin read -r -N 65536 -t 0.01
    builtin return 1
  }

  # Tells the door which of these names are aliases or functions. It asks only about plain words, without a % or a
  # backslash that would mean something to printf.
  __sallyport_types() {
    builtin local __sp_rest="$1 " __sp_name __sp_own=''
    while [[ -n ${__sp_rest// /} ]]; do
      __sp_name=${__sp_rest%% *}
      __sp_rest=${__sp_rest#* }
      if builtin alias -- "$__sp_name" >/dev/null || builtin declare -F -- "$__sp_name" >/dev/null; then
        __sp_own+='\000'$__sp_name
      fi
    done
    builtin printf "SP1\\000types\\000$$\\000$__sallyport_id$__sp_own\\n" 1<>"$__sallyport_run/q"
  }

  # What the second private key does: accept the line, expand history and come back, show the refusal, or nothing.
  __sallyport_arm() {
    builtin local __sp_map
    [[ $1 == accept && $__sallyport_armed == accept ]] && builtin return
    __sallyport_armed=$1
    for __sp_map in emacs-standard vi-insert vi-command; do
      case $1 in
        accept)
          builtin bind -m "$__sp_map" '"\e[9902~": accept-line'
          builtin bind -m "$__sp_map" '"\e[9904~": operate-and-get-next'
          ;;
        expand)
          builtin bind -m "$__sp_map" '"\e[9902~": "\e[9907~\e[9901~\e[9902~"'
          builtin bind -m "$__sp_map" '"\e[9904~": "\e[9907~\e[9901~\e[9904~"'
          ;;
        refuse)
          builtin bind -m "$__sp_map" '"\e[9902~": "\e[9905~\e[9906~"'
          builtin bind -m "$__sp_map" '"\e[9904~": "\e[9905~\e[9906~"'
          ;;
        nothing)
          builtin bind -m "$__sp_map" '"\e[9902~": redraw-current-line'
          builtin bind -m "$__sp_map" '"\e[9904~": redraw-current-line'
          ;;
      esac
    done
  }

  __sallyport_say() {
    builtin printf '%b\n' "$__sallyport_text" >/dev/tty
  }

  # Refuses what stands in READLINE_LINE.
  __sallyport_refuse() {
    __sallyport_n=$((__sallyport_n + 1)) __sallyport_blank=''
    if [[ -n $__sallyport_more ]]; then
      # At a continuation prompt the whole command is abandoned, as ^C would.
      __sallyport_more=''
      builtin printf '%s\n' "$READLINE_LINE" >/dev/tty
      builtin history -s -- "$__sallyport_held$READLINE_LINE"
      __sallyport_say
      READLINE_LINE='' READLINE_POINT=0
      __sallyport_arm nothing
      builtin kill -INT "$$"
    elif builtin declare -F fc >/dev/null || builtin alias fc >/dev/null || [[ ${TERM:-dumb} == dumb ]]; then
      builtin history -s -- "$READLINE_LINE"
      __sallyport_say
      READLINE_LINE='' READLINE_POINT=0
      __sallyport_arm nothing
    else
      # edit-and-execute-command is the one readline function that leaves the typed text on the screen, puts it into
      # the history, runs a command below it and comes back with an empty line at the same prompt. The command it runs
      # is `fc -e "${VISUAL:-${EDITOR:-…}}"`, on some systems with a fork in the last place.
      if [[ -z ${VISUAL-}${EDITOR-} ]]; then
        __sallyport_editor=${EDITOR+empty} __sallyport_editor=${__sallyport_editor:-unset}
        EDITOR=fc
      fi
      # By these, DEBUG traps of prompt frameworks know a command that the person did not type.
      COMP_LINE=x COMP_POINT=1
      fc() {
        builtin unset -f fc
        builtin unset -v COMP_LINE COMP_POINT
        builtin history -d -1
        __sallyport_say
        case $__sallyport_editor in
          empty) EDITOR='' ;;
          unset) builtin unset -v EDITOR ;;
        esac
        __sallyport_editor=''
        if [[ -n $__sallyport_trace ]]; then builtin set -x; fi
      }
      __sallyport_arm refuse
    fi
  }

  # True if history expansion has to come first, in place: the door must see what bash will run.
  __sallyport_expand() {
    [[ -o histexpand && $1 == *[\!^]* && -z $__sallyport_raw ]] || builtin return 1
    __sallyport_raw=$1
    __sallyport_arm expand
  }

  # Runs on Enter, before bash sees the line. Fails only to have tracing turned off until the refusal is shown.
  __sallyport_line() {
    __sallyport_trace=''
    [[ -o xtrace ]] && __sallyport_trace=1
    builtin local -
    builtin set -f +aekuvx
    builtin local __sp_line="$READLINE_LINE" __sp_raw="$__sallyport_raw" __sp_fresh=0
    if [[ -z ${__sp_line//[[:space:]]/} ]]; then
      [[ -n $__sallyport_more ]] && __sallyport_blank+=$'\n'
      __sallyport_arm accept
      builtin return 0
    fi
    # Inside a function or a file that is read in, or with no prompt since the last accepted line, this is input to the
    # `read -e` of what runs. The door would say the same, but bash's read is not made to be entered again from a key
    # that another read is waiting for.
    __sallyport_missing && __sp_fresh=1
    if ((${#FUNCNAME[@]} > 1)) ||
      [[ $__sp_fresh == 0 && -z $__sallyport_more && $__sallyport_ran == "$__sallyport_n" ]]; then
      __sallyport_arm accept
      builtin return 0
    fi
    __sallyport_expand "$__sp_line" && builtin return 0
    __sallyport_raw=''
    if [[ -n $__sp_raw && $__sp_raw != "$__sp_line" ]] && builtin shopt -q histverify; then
      __sallyport_arm nothing
      builtin return 0
    fi
    if ((${#__sp_line} > 65536)); then
      __sallyport_answer=no __sallyport_text="sallyport: denied: ${#__sp_line} characters (the line is longer than 64 KiB)"
    else
      __sallyport_ask "$__sallyport_blank$__sp_line" "$__sp_fresh"
    fi
    case $__sallyport_answer in
      ok) __sallyport_more='' __sallyport_ran=$__sallyport_n ;;
      more) __sallyport_more=1 __sallyport_held+=$__sallyport_blank$__sp_line$'\n' ;;
      no) ;;
      *)
        __sp_line=${__sp_line:0:200}
        __sp_line=${__sp_line//[[:cntrl:]]/ }
        __sallyport_text="sallyport: denied: ${__sp_line//\\/\\\\} (the line gate did not answer)"
        ;;
    esac
    __sallyport_blank=''
    case $__sallyport_answer in
      ok | more) __sallyport_arm accept ;;
      *)
        __sallyport_refuse
        [[ $__sallyport_armed == refuse && -n $__sallyport_trace ]] && builtin return 1
        ;;
    esac
    builtin return 0
  }

  builtin declare -fr __sallyport_prompt __sallyport_missing __sallyport_field __sallyport_ask __sallyport_types \
    __sallyport_arm __sallyport_say __sallyport_refuse __sallyport_expand __sallyport_line

  # Inside a here-document bash takes no reserved word as the first of a key's command: hence the empty redirection.
  # The group keeps tracing off the screen; what stands last in it gives back $_.
  for __sallyport_map in emacs-standard vi-insert vi-command; do
    builtin bind -m "$__sallyport_map" -x \
      '"\e[9901~": 2>&2 && { __sallyport_line || \builtin set +x; : "${__sallyport_lastarg-}"; } 2>/dev/null'
    builtin bind -m "$__sallyport_map" '"\e[9902~": accept-line'
    builtin bind -m "$__sallyport_map" '"\e[9904~": operate-and-get-next'
    builtin bind -m "$__sallyport_map" '"\e[9905~": edit-and-execute-command'
    builtin bind -m "$__sallyport_map" '"\e[9906~": redraw-current-line'
    builtin bind -m "$__sallyport_map" '"\e[9907~": history-expand-line'
    builtin bind -m "$__sallyport_map" '"\C-m": "\e[9901~\e[9902~"'
    builtin bind -m "$__sallyport_map" '"\C-j": "\e[9901~\e[9902~"'
    builtin bind -m "$__sallyport_map" '"\C-o": "\e[9901~\e[9904~"'
  done
  # After a refusal vi users start in insertion mode, as at any new prompt.
  builtin bind -m vi-command '"\e[9906~": vi-insertion-mode'
  builtin unset -v __sallyport_map
  builtin printf 'SP1\000hello\000%s\0000\000%s\n' "$$" "$BASH_VERSION" 1<>"$__sallyport_run/q"
fi
