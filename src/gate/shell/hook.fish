# The line gate's part in fish: Enter and ^J show the line to the door before fish runs it.
# A courtesy: whoever wants to can step around it, and then meets the exec gate.
#
# Only builtins run here, nothing forks. fish cannot wait for an answer with a time limit: the door says an answer again
# until it hears that it arrived, and closes the FIFO when it will answer nothing more.

set -g __sallyport_run /run/sallyport
set -g __sallyport_id 0

# A field of a question: newlines would end it, byte 1 is the escape.
function __sallyport_field
    builtin string join -- \x01n (builtin string replace -a -- \x01 \x01a (builtin string split -- \n $argv[1]))
end

# Asks the door about $argv[1]; the verb in __sallyport_answer, the text of a refusal in __sallyport_text.
function __sallyport_ask
    set -g __sallyport_id (builtin math $__sallyport_id + 1)
    set -g __sallyport_answer none
    builtin printf 'SP1\0line\0%s\0%s\0000\0001\0%s\0%s\0%s\0fish\n' $fish_pid $__sallyport_id (__sallyport_field "$PWD") \
        (__sallyport_field "$PATH") (__sallyport_field $argv[1]) >$__sallyport_run/q
    # A string's captures are set here; a line that is no answer is passed over.
    while builtin string match -rq -- '^(?<all>SP1 (?<pid>\d+)\.(?<id>\d+) (?<verb>\w+) (?<rest>[^\t]*)\t *)$' <$__sallyport_run/a
        if builtin test "$pid" != $fish_pid
            # Another shell's: put back while that shell lives.
            builtin test -d /proc/$pid; and builtin printf '%s\n' $all >$__sallyport_run/a
        else if builtin test "$id" = $__sallyport_id
            builtin printf 'SP1\0heard\0%s\0%s\n' $fish_pid $__sallyport_id >$__sallyport_run/q
            switch $verb
                case ok more no
                    set -g __sallyport_answer $verb
                    set -g __sallyport_text $rest
                    return
                case types
                    __sallyport_types (builtin string split -- ' ' $rest)
            end
        end
    end
end

# Tells the door which of these names are functions, as aliases are here.
function __sallyport_types
    set -l format 'SP1\0types\0%s\0%s'
    set -l own
    for name in $argv
        if builtin functions -q -- $name
            set -a own $name
            set format $format'\0%s'
        end
    end
    builtin printf $format'\n' $fish_pid $__sallyport_id $own >$__sallyport_run/q
end

# The line as fish will run it: with a plain abbreviation at its end expanded.
function __sallyport_expanded
    set -l line (builtin commandline -b | builtin string collect)
    set -l word (builtin commandline -t)
    if builtin test -n "$word"; and builtin abbr -q -- $word; and builtin test (builtin commandline -C) = (builtin string length -- $line)
        set -l at (builtin string length -- $line)
        for shown in (builtin abbr --show)
            if builtin string match -rq -- '^abbr -a(?: --position anywhere)? -- (?<name>\S+) (?<text>.*)$' $shown
                and builtin test (builtin string unescape -- $name) = $word
                set line (builtin string sub -e -(builtin string length -- $word) -- $line | builtin string collect)
                set line $line(builtin string unescape -- $text)
                break
            end
        end
    end
    builtin string collect -- $line
end

# Does what Enter would have done: the effective binding, whoever made it.
function __sallyport_go
    set -l own __sallyport_own_$argv[1]
    for command in $$own
        if builtin contains -- $command $__sallyport_functions
            builtin commandline -f $command
        else
            builtin eval $command
        end
    end
end

# Enter. What `read` takes is no command; fish itself complains of a line that does not parse, and goes on with one that
# is not complete.
function __sallyport_line
    if builtin test (builtin status current-command) != fish; or not builtin commandline --is-valid
        __sallyport_go $argv
        return
    end
    set -l line (__sallyport_expanded | builtin string collect)
    if builtin string match -rq -- '^\s*$' $line
        __sallyport_go $argv
        return
    end
    if builtin test (builtin string length -- $line) -gt 65536
        set -g __sallyport_answer no
        set -g __sallyport_text "sallyport: denied: "(builtin string length -- $line)" characters (the line is longer than 64 KiB)"
    else
        __sallyport_ask $line
    end
    switch $__sallyport_answer
        case ok more
            __sallyport_go $argv
        case no
            __sallyport_refuse $line
        case '*'
            set line (builtin string replace -ar -- '[[:cntrl:]]' ' ' (builtin string sub -l 200 -- $line) | builtin string collect)
            set -g __sallyport_text "sallyport: denied: "(builtin string escape -n --style=script -- $line)" (the line gate did not answer)"
            __sallyport_refuse $line
    end
end

# fish's own ^C leaves the line on the screen, gives an empty one below it, and tells when it has.
function __sallyport_refuse
    set -g __sallyport_refused
    __sallyport_remember $argv[1]
    builtin commandline -f cancel-commandline
end

function __sallyport_say --on-event fish_cancel
    if set -q __sallyport_refused
        set -e __sallyport_refused
        builtin printf '%b\n' $__sallyport_text >/dev/tty
    end
end

# Puts the line into the history, in the way other fish processes do where the builtin cannot.
function __sallyport_remember
    if builtin test -n "$fish_private_mode"; or builtin string match -q -- ' *' $argv[1]
        return
    end
    if builtin string match -rq -- '^[4-9]' $version
        builtin history append -- $argv[1]
        return
    end
    set -l name fish
    set -q fish_history; and set name $fish_history
    set -l home $XDG_DATA_HOME
    builtin test -n "$home"; or set home $HOME/.local/share
    set -l file $home/fish/{$name}_history
    set -l now (builtin path mtime -- $__sallyport_run/q)
    if builtin test -z "$name" -o -z "$now" -o ! -w $home/fish
        return
    end
    set -l line (builtin string join -- '\\n' (builtin string replace -a -- \\ \\\\ (builtin string split -- \n $argv[1])))
    builtin printf '%s: %s\n  when: %s\n' '- cmd' $line $now >>$file
    set -g __sallyport_remembered $now
    builtin history merge
end

# Binds what finishes a line, in every mode, around what it was bound to; at each prompt, because start-up files,
# plugins and a change of mode bind anew.
function __sallyport_bind --on-event fish_prompt
    if set -q __sallyport_remembered
        # fish merges once a second at most.
        builtin test (builtin path mtime -- $__sallyport_run/q) -gt $__sallyport_remembered; and set -e __sallyport_remembered
        builtin history merge
    end
    for mode in (builtin bind -L | builtin string match -rv -- '^paste$|\W')
        __sallyport_wrap $mode r \r
        __sallyport_wrap $mode n \n
    end
end

function __sallyport_wrap -a mode name key
    set -l shown (builtin bind -M $mode $key 2>/dev/null)
    if builtin test -z "$shown[-1]"; or builtin string match -q -- '*__sallyport_line*' $shown[-1]
        return
    end
    set -l made
    set -l to
    builtin eval set made $shown[-1]
    set -e made[1]
    while builtin string match -q -- '-*' $made[1]
        switch $made[1]
            case -M --mode
                set -e made[1..2]
            case -m --sets-mode
                set to -m $made[2]
                set -e made[1..2]
            case '*'
                set -e made[1]
        end
    end
    set -g __sallyport_own_{$mode}_$name $made[2..]
    builtin bind -M $mode $to $key "__sallyport_line "$mode"_$name"
end

set -g __sallyport_functions (builtin bind --function-names)
builtin printf 'SP1\0hello\0%s\0000\0fish %s\n' $fish_pid $version >$__sallyport_run/q
