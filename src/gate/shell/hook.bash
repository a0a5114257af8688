# The line gate's part in the shell: a typed line is shown to the door before bash parses it.
# A courtesy: whoever wants to can step around it, and then meets the exec gate.
#
# Enter, ^J and ^O become a macro of two private keys. The first runs __sallyport_line, which asks; the second does
# what the answer was: accept the line, or show the refusal. Only builtins run here, nothing forks.

if ! builtin declare -F __sallyport_line >/dev/null &&
  ((BASH_VERSINFO[0] > 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4))) &&
  [[ -o emacs || -o vi ]]; then

  __sallyport_run=${SALLYPORT_RUN:-/run/sallyport}
  __sallyport_n=0 __sallyport_id=0 __sallyport_armed=accept
  __sallyport_more='' __sallyport_blank='' __sallyport_raw='' __sallyport_text='' __sallyport_last='' __sallyport_trace=''

  # Counts primary prompts, so that the door can tell a new command from the rest of one and from input to `read -e`.
  # On lines of its own in PROMPT_COMMAND: prompt frameworks that look for their caller there then know it.
  __sallyport_prompt() {
    builtin local -
    builtin set +eux
    __sallyport_n=$((${__sallyport_n:-0} + 1)) __sallyport_more='' __sallyport_blank='' __sallyport_raw=''
    builtin return 0
  }

  # Puts the counter back if a start-up file or the user took it away; true if it had to.
  __sallyport_missing() {
    builtin local entry number='\#'
    for entry in "${PROMPT_COMMAND[@]}"; do
      [[ $entry == *__sallyport_prompt* ]] && builtin return 1
    done
    entry=$'{\n__sallyport_prompt\n} 2>/dev/null'
    if ((BASH_VERSINFO[0] > 5 || (BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] >= 1))); then
      PROMPT_COMMAND+=("$entry")
    else
      PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}$entry
    fi
    # Where it cannot be put back, bash's own command number still tells a continuation line.
    number=${number@P}
    if [[ $number == "$__sallyport_last" ]]; then builtin return 1; fi
    __sallyport_last=$number
  }

  # A field of a question: newlines would end it, byte 1 is the escape. Result in REPLY.
  __sallyport_field() {
    REPLY=$1
    if [[ $REPLY == *[$'\1\n']* ]]; then
      REPLY=${REPLY//$'\1'/$'\1a'}
      REPLY=${REPLY//$'\n'/$'\1n'}
    fi
  }

  # Asks the door about $1; the verb in REPLY, the text of a refusal in __sallyport_text.
  # Opened for reading and writing, a FIFO never blocks in open. Asked three times within two seconds, because an
  # answer can be lost to another shell of the session.
  __sallyport_ask() {
    builtin local line="$1" fresh="$2" dir path magic id verb rest tries names name
    builtin local IFS=' '
    __sallyport_field "$PWD"; dir=$REPLY
    __sallyport_field "${PATH-}"; path=$REPLY
    __sallyport_field "$line"; line=$REPLY
    __sallyport_id=$((__sallyport_id + 1))
    for tries in 1 2 3; do
      # One format, one write: up to 4 KiB arrive whole even if another shell of the session asks now.
      builtin printf 'SP1\000line\000%s\000%s\000%s\000%s\000%s\000%s\000%s\n' "$$" "$__sallyport_id" \
        "$__sallyport_n" "$fresh" "$dir" "$path" "$line" 1<>"$__sallyport_run/q" || builtin break
      while builtin read -r -t 0.66 magic id verb rest; do
        [[ $magic == SP1 && $id == "$$.$__sallyport_id" ]] || builtin continue
        case $verb in
          ok | more | no)
            REPLY=$verb __sallyport_text=$rest
            builtin return 0
            ;;
          types)
            names=''
            for name in $rest; do
              if builtin alias -- "$name" >/dev/null || builtin declare -F -- "$name" >/dev/null; then
                names+='\000'$name
              fi
            done
            # The door asks only about plain words: no % or backslash that would mean something to printf.
            builtin printf "SP1\\000types\\000$$\\000$__sallyport_id$names\\n" 1<>"$__sallyport_run/q"
            ;;
        esac
      done <>"$__sallyport_run/a"
    done
    REPLY=none
  }

  # What the second private key does: accept the line, or show the refusal and start over, or nothing.
  # edit-and-execute-command is the one readline function that leaves the typed text on the screen, runs a command
  # below it and comes back with an empty line at the same prompt: the command it runs is `fc`, which is ours then.
  __sallyport_arm() {
    builtin local map
    [[ $1 == accept && $__sallyport_armed == accept ]] && builtin return
    __sallyport_armed=$1
    for map in emacs-standard vi-insert vi-command; do
      case $1 in
        accept)
          builtin bind -m $map '"\e[9902~": accept-line'
          builtin bind -m $map '"\e[9904~": operate-and-get-next'
          ;;
        expand)
          builtin bind -m $map '"\e[9902~": "\e[9907~\e[9901~\e[9902~"'
          builtin bind -m $map '"\e[9904~": "\e[9907~\e[9901~\e[9904~"'
          ;;
        refuse)
          builtin bind -m $map '"\e[9902~": "\e[9905~\e[9906~"'
          builtin bind -m $map '"\e[9904~": "\e[9905~\e[9906~"'
          ;;
        nothing)
          builtin bind -m $map '"\e[9902~": redraw-current-line'
          builtin bind -m $map '"\e[9904~": redraw-current-line'
          ;;
      esac
    done
  }

  __sallyport_say() {
    builtin printf '%s\n' "$__sallyport_text" >/dev/tty
  }

  # Refuses what stands in READLINE_LINE. At a continuation prompt the whole command is abandoned, as ^C would.
  __sallyport_refuse() {
    builtin local line="$READLINE_LINE"
    __sallyport_n=$((__sallyport_n + 1)) __sallyport_blank=''
    if [[ -n $__sallyport_more ]]; then
      __sallyport_more=''
      builtin printf '%s\n' "$line" >/dev/tty
      __sallyport_say
      READLINE_LINE='' READLINE_POINT=0
      __sallyport_arm nothing
      builtin kill -INT $$
    elif builtin declare -F fc >/dev/null || builtin alias fc >/dev/null || [[ ${TERM:-dumb} == dumb ]]; then
      builtin history -s -- "$line"
      __sallyport_say
      READLINE_LINE='' READLINE_POINT=0
      __sallyport_arm nothing
    else
      fc() {
        builtin unset -f fc
        builtin history -d -1
        __sallyport_say
        [[ -n $__sallyport_trace ]] && builtin set -x
        builtin return 0
      }
      __sallyport_arm refuse
    fi
  }

  # Runs on Enter, before bash sees the line. Fails only to have tracing turned off until the refusal is shown.
  __sallyport_line() {
    __sallyport_trace=''
    [[ -o xtrace ]] && __sallyport_trace=1
    builtin local -
    builtin set -f +aeuvx
    builtin local line="$READLINE_LINE" fresh=0 REPLY
    if [[ -z ${line//[[:space:]]/} ]]; then
      [[ -n $__sallyport_more ]] && __sallyport_blank+=$'\n'
      __sallyport_arm accept
      builtin return 0
    fi
    if [[ -o histexpand && $line == *[\!^]* && $__sallyport_raw != "$line" ]]; then
      if [[ -z $__sallyport_raw ]]; then
        # Expand first, in place, then come back: the door must see what bash will run.
        __sallyport_raw=$line
        __sallyport_arm expand
        builtin return 0
      fi
    fi
    if [[ -n $__sallyport_raw && $__sallyport_raw != "$line" ]] && builtin shopt -q histverify; then
      __sallyport_raw=''
      __sallyport_arm nothing
      builtin return 0
    fi
    __sallyport_raw=''
    __sallyport_missing && fresh=1
    if ((${#line} > 65536)); then
      REPLY=no __sallyport_text="sallyport: denied: a line of ${#line} characters (the line is too long)"
    else
      __sallyport_ask "$__sallyport_blank$line" $fresh
    fi
    case $REPLY in
      ok) __sallyport_more='' ;;
      more) __sallyport_more=1 ;;
      no) ;;
      *)
        line=${line//[[:cntrl:]]/ }
        __sallyport_text="sallyport: denied: ${line:0:200} (the line gate did not answer)"
        ;;
    esac
    __sallyport_blank=''
    case $REPLY in
      ok | more) __sallyport_arm accept ;;
      *)
        __sallyport_refuse
        [[ $__sallyport_armed == refuse && -n $__sallyport_trace ]] && builtin return 1
        ;;
    esac
    builtin return 0
  }

  builtin declare -fr __sallyport_prompt __sallyport_missing __sallyport_field __sallyport_ask __sallyport_arm \
    __sallyport_say __sallyport_refuse __sallyport_line

  # Inside a here-document bash takes no reserved word as the first of a bind -x command: hence the empty redirection.
  for __sallyport_map in emacs-standard vi-insert vi-command; do
    builtin bind -m $__sallyport_map -x '"\e[9901~": 2>&2 && { __sallyport_line || \builtin set +x; } 2>/dev/null'
    builtin bind -m $__sallyport_map '"\e[9902~": accept-line'
    builtin bind -m $__sallyport_map '"\e[9904~": operate-and-get-next'
    builtin bind -m $__sallyport_map '"\e[9905~": edit-and-execute-command'
    builtin bind -m $__sallyport_map '"\e[9906~": redraw-current-line'
    builtin bind -m $__sallyport_map '"\e[9907~": history-expand-line'
    builtin bind -m $__sallyport_map '"\C-m": "\e[9901~\e[9902~"'
    builtin bind -m $__sallyport_map '"\C-j": "\e[9901~\e[9902~"'
  done
  for __sallyport_map in emacs-standard vi-insert; do
    builtin bind -m $__sallyport_map '"\C-o": "\e[9901~\e[9904~"'
  done
  # After a refusal vi users start in insertion mode, as at any new prompt.
  builtin bind -m vi-command '"\e[9906~": vi-insertion-mode'
  builtin unset __sallyport_map
  builtin printf 'SP1\000hello\000%s\0000\000%s\n' "$$" "$BASH_VERSION" 1<>"$__sallyport_run/q"
fi
