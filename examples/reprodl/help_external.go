package main

// externalDocs are the texts of what reads other repositories and places.
var externalDocs = map[string]doc{
	"get": {`
The repository is a path or a git URL; of a path without --rev it is the working tree. What DVC
tracks comes from its cache or its remote and is compared with its MD5; nothing is there after
an error. An executable stays one, which dvc forgets. With -f, files of a directory that is there
are overwritten and the others stay.`, `
reprodl get https://github.com/user/data.git images -o pictures
reprodl get --rev v1.2 ../data labels.csv
reprodl get ../data images --remote-config url=/mnt/copy profile=me
# where the data is stored
reprodl get --show-url ../data images`},
	"list": {`
Names of files and directories that git or DVC track, at a path or a git URL. Sizes and hashes
are those that are recorded: nothing is downloaded but the lists of directories.`, `
reprodl list https://github.com/user/data.git
reprodl list -R --dvc-only --rev v1.2 ../data images
reprodl ls --tree -L 2 --size ../data
reprodl list --json --show-hash .`},
	"get-url": {`
From a URL of any kind of remote, remote://NAME/path, or a path of this machine. Nothing is there
after an error. --fs-config takes options as those of a remote of that kind, and comes last.`, `
reprodl get-url https://example.com/data.csv
reprodl get-url -j 8 s3://bucket/images pictures --fs-config profile=lab
reprodl get-url remote://storage/labels.csv`},
	"list-url": {`
Files and then directories at a URL of any kind of remote, remote://NAME/path, or a path. A web
server cannot tell what it has.`, `
reprodl list-url s3://bucket/images
reprodl ls-url -R --size remote://storage/images
reprodl list-url --tree -L 2 ssh://user@example.com/data`},
	"du": {`
Sizes of what is in a directory, then of all of it, as far as they are recorded or known here.`, `
reprodl du . data
reprodl du -s --rev v1.2 https://github.com/user/data.git`},
	"artifacts": {`
See "reprodl help artifacts get".`, `
reprodl artifacts get ../models net`},
	"artifacts get": {`
An artifact is named in a dvc.yaml; its versions and stages are tags of git as GTO makes them.
Without --rev and --stage it is the highest version. Of a dvc.yaml in a directory the name has
the directory in front. DVC's Studio is not asked.`, `
reprodl artifacts get https://github.com/user/models.git net
reprodl artifacts get --rev v1.2.0 ../models audio:net -o net.bin
reprodl artifacts get --stage prod --show-url ../models net`},
}
