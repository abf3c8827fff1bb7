#!/bin/sh
# Speaks for one client. The lines it is given are simple enough to be taken apart by the shell:
#   {"open":{…"settings":{"write":"rename"}}}
#   {"invoke":{"id":7,"op":{"read":{"key":"x"}}}}
#   {"invoke":{"id":8,"op":{"write":{"key":"x","value":3}}}}
data=$1
write=rename

# The text after $2 in $1, up to the first of the characters `"`, `,` and `}`.
after() {
    rest=${1#*"$2"}
    found=${rest%%[\",\}]*}
}

while read -r line; do
    case $line in
    '{"open":'*'"write":"in-place"'*)
        write=in-place
        echo '{"ok":{}}'
        ;;
    '{"open":'*)
        echo '{"ok":{}}'
        ;;
    *'"read":'*)
        after "$line" '"id":' && id=$found
        after "$line" '"key":"' && key=$found
        value=null
        if [ -e "$data/$key" ]; then
            read -r value <"$data/$key" || value=${value:-null}
        fi
        echo "{\"id\":$id,\"ok\":{\"read\":{\"key\":\"$key\",\"value\":$value}}}"
        ;;
    *'"write":'*)
        after "$line" '"id":' && id=$found
        after "$line" '"key":"' && key=$found
        after "$line" '"value":' && value=$found
        if [ "$write" = rename ]; then
            echo "$value" >"$data/$key.$$" && mv "$data/$key.$$" "$data/$key"
        else
            : >"$data/$key"
            sleep 0.01
            echo "$value" >"$data/$key"
        fi
        echo "{\"id\":$id,\"ok\":{\"write\":{\"key\":\"$key\",\"value\":$value}}}"
        ;;
    *) exit 0 ;;
    esac
done
