package experiment

import "strings"

// A generated name is an adjective of five letters and a noun of four, the
// shape of DVC's; the words are our own.
var (
	adjectives = strings.Fields(`
	acute adept agile alert alive amber ample aptly azure basic beefy blank blaze blond blunt brave
	brief brisk broad brown bumpy burnt cheap civic clean clear close comic coral crisp cubic curly
	daily dairy dandy dizzy dozen dusty eager early eight elect empty equal exact extra faded faint
	fancy fiery fifth first fixed fleet fluid focal fresh front funky fuzzy giant given glass glowy
	going grand grave great green gross handy happy hardy hasty heavy human icier ideal inner ionic
	ivory jazzy jolly juicy jumpy known large level light lilac lined lithe local loose loyal lucid
	lucky lunar major maple mauve merry milky minor misty mixed modal moist mossy naval newly ninth
	noble noisy north novel oaken ocean olive other outer ovoid peach pearl perky petit pious plaid
	plain plush polar prime proud quick quiet rapid ready regal rigid roast rocky roomy rough round
	royal ruddy rural rusty salty sandy saved sharp shiny short silky sixth slate sleek slick slimy
	small smart smoky snowy solar solid sonic south spare spicy stark steel steep still stony stout
	sunny super sweet swift tamed teary tenth thick third tidal tight timid topaz total tough ultra
	urban valid vital vivid vocal waxed weird white whole windy wired witty woody young zesty zippy`)
	nouns = strings.Fields(`
	acre alga arch atom aunt axle band bank bark barn bass bead beam bean bear beet bell belt bike bird
	bolt bone book boot bowl brow bulb bush cake calf cape card cart cave chip clam clay clef clip coal
	coat code coil coin comb cone cord cork corn crab crew crow cube cuff curl dawn deer desk dial dime
	disk dock dome door dove drum duck dune dusk echo eddy edge fern film fire fish flag flax flea foam
	ford fork form fort frog fuel gate gear gift glen goat gold gong gown gram grid gulf gull hail hall
	harp hawk heap herb hill hive hook horn hymn idea iris iron isle jade jazz jeep joke kale keel kelp
	kiln king kite knob knot lace lake lamb lamp land lark lava lawn leaf lens lime line link lion loaf
	loft loom loop lute lynx malt mane maze mesh mill mint mist moat mole moon moor moss moth myth nail
	neck nest node noon nose note oboe opal orca oven palm park path peak pear peat pier pine pint pipe
	plum poem pole pond port puma quay quiz raft rail rain reed reef ring road robe rock roof root rope
	rose ruby rung rush sage sail salt sand seal seed shed ship shoe silk sink site slab sled snow soap
	sock song soup spur star stem step surf swan tail tape teak tern tide tile toad tone tool tray tree
	tuba tube tuna twig vale vase veil vest vine vole wall wave weld well whey wick wind wing wolf wood
	wool wren yard yarn yoga zinc zone`)
)
