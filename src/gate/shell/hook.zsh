# The line gate's part in zsh: a finished line is shown to the door before zsh parses it.
# A courtesy: whoever wants to can step around it, and then meets the exec gate.
#
# zle calls zle-line-finish for every line it hands over, whatever widget or key finished it; a line that is emptied
# there does nothing. So no key and no other widget is touched. Only builtins run here, nothing forks.
# Read under `emulate zsh -o no_aliases -c`: these functions run with zsh's own options, whatever the person sets.

if [[ -o zle ]] && (( ! $+functions[__sallyport_ask] )) &&
  builtin zmodload zsh/system zsh/parameter zsh/zleparameter 2>/dev/null; then

  typeset -g __sallyport_run=/run/sallyport
  typeset -gi __sallyport_id=0
  typeset -g __sallyport_answer='' __sallyport_text='' __sallyport_asked='' __sallyport_busy='' __sallyport_flags=''

  # A field of a question: newlines would end it, NUL would end a field, byte 1 is the escape.
  __sallyport_field() {
    __sallyport_answer=$1
    if [[ $__sallyport_answer == *[$'\0\1\n']* ]]; then
      __sallyport_answer=${__sallyport_answer//$'\1'/$'\1a'}
      __sallyport_answer=${__sallyport_answer//$'\n'/$'\1n'}
      __sallyport_answer=${__sallyport_answer//$'\0'/$'\1z'}
    fi
  }

  # Asks the door about $1, in the syntax $2; the verb in __sallyport_answer, the text of a refusal in
  # __sallyport_text. Opened for reading and writing, a FIFO never blocks in open. Asked again twice within two seconds.
  __sallyport_ask() {
    local __sp_q __sp_a __sp_question __sp_wait=0.66
    local -i __sp_try
    (( ++__sallyport_id ))
    __sallyport_field "$PWD"
    __sp_question=$'SP1\0line\0'$$$'\0'$__sallyport_id$'\0'0$'\0'1$'\0'$__sallyport_answer$'\0'
    __sallyport_field "$PATH"
    __sp_question+=$__sallyport_answer$'\0'
    __sallyport_field "$1"
    __sp_question+=$__sallyport_answer$'\0'$2$'\n'
    if builtin sysopen -rw -o cloexec -u __sp_q $__sallyport_run/q 2>/dev/null; then
      if builtin sysopen -rw -o cloexec -u __sp_a $__sallyport_run/a 2>/dev/null; then
        for (( __sp_try = 0; __sp_try < 3; __sp_try++ )); do
          builtin syswrite -o $__sp_q -- $__sp_question 2>/dev/null || break
          __sallyport_hear && break
        done
        exec {__sp_a}>&-
      fi
      exec {__sp_q}>&-
    fi
    return 0
  }

  # Waits for the answer. One of another shell that still lives is put back for it.
  __sallyport_hear() {
    local __sp_reply __sp_rest __sp_pid
    local -i __sp_back=0
    __sallyport_answer=none
    while builtin sysread -t $__sp_wait -i $__sp_a -s 1024 __sp_reply 2>/dev/null; do
      __sp_rest=${__sp_reply#SP1 }
      __sp_pid=${__sp_rest%%.*}
      if [[ $__sp_reply != "SP1 $$.$__sallyport_id "* ]]; then
        if [[ $__sp_pid != $$ && $__sp_pid != *[^0-9]* && -d /proc/$__sp_pid ]] && (( __sp_back++ < 200 )); then
          builtin syswrite -o $__sp_a -- $__sp_reply
        fi
        continue
      fi
      __sp_rest=${${__sp_rest#* }%%$'\t'*}
      case ${__sp_rest%% *} in
        ok | more | no)
          __sallyport_answer=${__sp_rest%% *} __sallyport_text=${__sp_rest#* }
          return 0
          ;;
        types) __sallyport_types ${=__sp_rest#* } ;;
        # Held, for as long as the door says so.
        wait) __sp_try=-1 __sp_wait=2 ;;
      esac
    done
    return 1
  }

  # Tells the door which of these names are aliases or functions.
  __sallyport_types() {
    local __sp_name __sp_own=''
    for __sp_name; do
      if (( ${+aliases[$__sp_name]} || ${+galiases[$__sp_name]} || ${+functions[$__sp_name]} )); then
        __sp_own+=$'\0'$__sp_name
      fi
    done
    builtin syswrite -o $__sp_q -- $'SP1\0types\0'$$$'\0'$__sallyport_id$__sp_own$'\n'
  }

  # The line as zsh will run it: with history expanded, in REPLY. The buffer is left as it was typed.
  __sallyport_expand() {
    REPLY=$BUFFER
    [[ $BUFFER == *[\!^${histchars[1,2]}]* ]] || return 0
    local __sp_buffer=$BUFFER
    local -i __sp_cursor=$CURSOR
    builtin zle .expand-history 2>/dev/null
    REPLY=$BUFFER
    BUFFER=$__sp_buffer CURSOR=$__sp_cursor
  }

  # Shows the refusal below the line. A line that is empty by then does nothing and leaves $? alone; at a continuation
  # prompt the whole command is abandoned.
  __sallyport_refuse() {
    builtin zle -I
    builtin printf '%b\n' "$__sallyport_text" >/dev/tty
    [[ $__sp_flags == *blank* && $1 == ' '* ]] || builtin print -rs -- "${1%%$'\n'#}"
    BUFFER=''
    [[ -z $PREBUFFER ]] || builtin zle .send-break
  }

  __sallyport_judge() {
    local REPLY=$BUFFER __sp_text __sp_flags="$1"
    [[ $__sp_flags == *expand* ]] && __sallyport_expand
    __sp_text=$PREBUFFER$REPLY
    # zsh's own parser says whether more lines are to come.
    { functions[__sallyport_trial]=$__sp_text } 2>/dev/null
    (( ${+functions[__sallyport_trial]} )) && __sp_flags+=' complete'
    builtin unset 'functions[__sallyport_trial]'
    if (( $#__sp_text > 65536 )); then
      __sallyport_answer=no __sallyport_text="sallyport: denied: $#__sp_text characters (the line is longer than 64 KiB)"
    else
      __sallyport_ask "$__sp_text" "zsh$__sp_flags"
    fi
    case $__sallyport_answer in
      ok | more) ;;
      no) __sallyport_refuse "$__sp_text" ;;
      *)
        __sallyport_text=${${${__sp_text[1,200]}//[[:cntrl:]]/ }//\\/\\\\}
        __sallyport_text="sallyport: denied: $__sallyport_text (the line gate did not answer)"
        __sallyport_refuse "$__sp_text"
        ;;
    esac
    return 0
  }

  # Puts the gate back around whatever a start-up file or a plugin has put in its place. What has wrapped the gate
  # itself is known by the gate having run under that name.
  __sallyport_wrap() {
    { builtin setopt localoptions noxtrace } 2>/dev/null
    local __sp_now=${widgets[zle-line-finish]-}
    [[ -n $__sp_now && ( $__sp_now == user:__sallyport_finish || $__sp_now == "$__sallyport_asked" ) ]] && return 0
    [[ -z $__sp_now ]] || builtin zle -A zle-line-finish __sallyport_own
    builtin zle -N zle-line-finish __sallyport_finish
  }

  builtin printf 'SP1\0hello\0%s\0000\0zsh %s\n' $$ $ZSH_VERSION 1<>$__sallyport_run/q
fi
