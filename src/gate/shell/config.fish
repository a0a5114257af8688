# sallyport's system-wide config.fish: the machine's own first, then the line gate.
if test -r /run/sallyport/etc-config.fish
    source /run/sallyport/etc-config.fish
end
if status is-interactive; and test -r /run/sallyport/hook.fish; and not functions -q __sallyport_line
    source /run/sallyport/hook.fish
end
