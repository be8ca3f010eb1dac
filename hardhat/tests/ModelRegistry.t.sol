// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./support/Built.sol";
import {IModelRegistry} from "../contracts/interfaces/IModelRegistry.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {ModelRegistry} from "../contracts/ModelRegistry.sol";
import {Field} from "../contracts/lib/Field.sol";
import {ListedVerifier} from "./support/ListedVerifier.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

contract ModelRegistryTest is OracleFixture {
    bytes32 private constant SECOND = keccak256("model two");
    bytes32 private constant THIRD = keccak256("model three");
    bytes4 private constant UNAUTHORIZED = bytes4(keccak256("AccessManagedUnauthorized(address)"));

    function test_model__when_active__then_everything_about_it_can_be_read() public view {
        IModelRegistry.Model memory m = registry.model(MODEL);
        check(m.state == IModelRegistry.ModelState.Active, "active");
        equal(m.index, 1, "first index");
        equal(m.spec.verifier, address(verifier), "verifier");
        equal(m.spec.verifierCodeHash, address(verifier).codehash, "code hash");
        equal(m.spec.featureSpecHash, keccak256("features"), "feature table");
        equal(m.spec.neutralCommitment, uint256(NEUTRAL), "neutral commitment");
        equal(m.spec.outputScales, SCALES, "scales");
        equal(registry.modelAt(1), MODEL, "by index");
        equal(registry.primaryModel(), MODEL, "primary");
        equal(m.spec.batchSize, 1, "batch size");
        (address v, uint16 index, uint72 scales, uint8 batchSize, uint256 neutral) = registry.activeModel(MODEL);
        equal(batchSize, 1, "batch size");
        equal(neutral, uint256(NEUTRAL), "neutral commitment, for the answer");
        equal(v, address(verifier), "verifier");
        equal(index, 1, "index");
        for (uint256 i = 0; i < 10; ++i) {
            equal((uint256(scales) >> (7 * i)) & 127, uint8(SCALES[i]), "packed scale");
        }
    }

    function test_propose__when_the_timelock_runs__then_activation_waits() public {
        IModelRegistry.ModelSpec memory spec = _spec(address(verifier));
        uint64 from = uint64(block.timestamp) + TIMELOCK;
        vm.expectEmit();
        emit IModelRegistry.ModelProposed(SECOND, 2, spec, from);
        registry.propose(SECOND, spec);
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.TimelockRunning.selector, SECOND, from));
        registry.activate(SECOND);
        vm.warp(from);
        registry.activate(SECOND);
        equal(registry.primaryModel(), SECOND, "primary");
        equal(registry.shadowModel(), MODEL, "the one before stays as the shadow");
        registry.activeModel(MODEL);
        registry.activeModel(SECOND);
    }

    function test_activate__when_a_third_comes__then_the_oldest_retires() public {
        _activate(SECOND, _spec(address(verifier)));
        _activate(THIRD, _spec(address(verifier)));
        equal(registry.primaryModel(), THIRD, "primary");
        equal(registry.shadowModel(), SECOND, "shadow");
        check(registry.model(MODEL).state == IModelRegistry.ModelState.Retired, "the oldest retired");
    }

    function test_roll_back__when_a_shadow_exists__then_it_is_primary_at_once() public {
        vm.expectRevert(IModelRegistry.NothingToRollBackTo.selector);
        registry.rollBack();
        _activate(SECOND, _spec(address(verifier)));
        vm.expectEmit();
        emit IModelRegistry.ModelRolledBack(SECOND, MODEL);
        registry.rollBack();
        equal(registry.primaryModel(), MODEL, "primary");
        equal(registry.shadowModel(), 0, "no shadow");
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.ModelNotActive.selector, SECOND, IModelRegistry.ModelState.Retired)
        );
        registry.activeModel(SECOND);
        vm.expectRevert(
            abi.encodeWithSelector(
                IModelRegistry.ModelInState.selector,
                SECOND,
                IModelRegistry.ModelState.Retired,
                IModelRegistry.ModelState.Proposed
            )
        );
        registry.activate(SECOND);
    }

    function test_retire__when_proposed_or_shadow__then_it_is_gone() public {
        registry.propose(SECOND, _spec(address(verifier)));
        registry.retire(SECOND);
        check(registry.model(SECOND).state == IModelRegistry.ModelState.Retired, "withdrawn proposal");
        equal(registry.shadowModel(), 0, "no shadow touched");
        _activate(THIRD, _spec(address(verifier)));
        registry.retire(MODEL);
        equal(registry.shadowModel(), 0, "no shadow");
        vm.expectRevert(IModelRegistry.NothingToRollBackTo.selector);
        registry.rollBack();
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.PrimaryCannotBeRetired.selector, THIRD));
        registry.retire(THIRD);
        vm.expectPartialRevert(IModelRegistry.ModelInState.selector);
        registry.retire(MODEL);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelUnknown.selector, bytes32("nobody")));
        registry.retire("nobody");
    }

    function test_propose__when_the_proposal_is_senseless__then_it_is_refused() public {
        IModelRegistry.ModelSpec memory spec = _spec(address(verifier));
        vm.expectRevert(IModelRegistry.InvalidModelId.selector);
        registry.propose(0, spec);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelExists.selector, MODEL));
        registry.propose(MODEL, spec);
        spec.neutralCommitment = Field.MODULUS;
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.CommitmentNotInField.selector, Field.MODULUS));
        registry.propose(SECOND, spec);
        spec = _spec(address(verifier));
        spec.verifierCodeHash = keccak256("other code");
        vm.expectPartialRevert(IModelRegistry.VerifierCodeMismatch.selector);
        registry.propose(SECOND, spec);
        // An account without code: its code hash is known, and useless.
        spec = _spec(borrower);
        vm.expectPartialRevert(IModelRegistry.VerifierCodeMismatch.selector);
        registry.propose(SECOND, spec);
        // An account with a key that runs the verifier's code (EIP-7702) until it chooses to run another's.
        vm.etch(borrower, abi.encodePacked(hex"ef0100", address(verifier)));
        equal(borrower.code.length, 23, "the code is the delegation");
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.VerifierDelegates.selector, borrower));
        registry.propose(SECOND, _spec(borrower));
        spec = _spec(address(verifier));
        spec.outputScales = hex"0707070a0a7f0d090a08";
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ScaleTooLarge.selector, 5, 127, 126));
        registry.propose(SECOND, spec);
        spec = _spec(address(verifier));
        spec.batchSize = 0;
        vm.expectRevert(IModelRegistry.ZeroBatchSize.selector);
        registry.propose(SECOND, spec);
    }

    function test_activate__when_the_verifiers_code_changed__then_it_is_refused() public {
        address fresh = address(new ListedVerifier());
        registry.propose(SECOND, _spec(fresh));
        vm.warp(block.timestamp + TIMELOCK);
        vm.etch(fresh, hex"00");
        vm.expectPartialRevert(IModelRegistry.VerifierCodeMismatch.selector);
        registry.activate(SECOND);
    }

    /// @dev Made, proposed and destroyed in one transaction, and made again with other code: the proposal stands.
    function test_answer__when_the_verifiers_code_was_exchanged__then_it_is_refused() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _ask();
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        bytes memory proof = _proof(request, report);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        bytes memory honest = address(verifier).code;
        bytes32 honestHash = keccak256(honest);
        // Says yes to everything.
        vm.etch(address(verifier), hex"60015f5260205ff3");
        vm.expectRevert(
            abi.encodeWithSelector(
                IModelRegistry.VerifierCodeMismatch.selector,
                address(verifier),
                address(verifier).codehash,
                honestHash
            )
        );
        oracle.provideAssessment(request, report, signatures, proof);
        vm.etch(address(verifier), honest);
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_propose__when_the_verifier_may_run_other_code__then_it_is_refused() public {
        // PUSH1 0, five times for a call's arguments, then the instruction.
        bytes memory prefix = hex"60006000600060006000";
        uint8[3] memory forbidden = [0xf2, 0xf4, 0xff];
        for (uint256 i = 0; i < 3; ++i) {
            bytes1 op = bytes1(forbidden[i]);
            address runs = _withCode(abi.encodePacked(prefix, op));
            vm.expectRevert(
                abi.encodeWithSelector(IModelRegistry.VerifierRunsOtherCode.selector, runs, 10, forbidden[i])
            );
            registry.propose(SECOND, _spec(runs));
            // Behind an end and a jump's target: it can be reached.
            runs = _withCode(abi.encodePacked(hex"600456fe5b", prefix, op));
            vm.expectRevert(
                abi.encodeWithSelector(IModelRegistry.VerifierRunsOtherCode.selector, runs, 15, forbidden[i])
            );
            registry.propose(SECOND, _spec(runs));
            // As data of a push, or behind an end that no jump passes: it is none.
            uint256 state = vm.snapshotState();
            registry.propose(SECOND, _spec(_withCode(abi.encodePacked(hex"60", op, hex"6101", op, hex"00"))));
            bytes5 ends = hex"0056f3fdfe";
            for (uint256 j = 0; j < 5; ++j) {
                registry.propose(bytes32(j + 1), _spec(_withCode(abi.encodePacked(ends[j], op, hex"5f", op))));
            }
            vm.revertToState(state);
        }
        // A minimal proxy (ERC-1167) in life.
        address proxy = _withCode(
            abi.encodePacked(hex"363d3d373d3d3d363d73", address(verifier), hex"5af43d82803e903d91602b57fd5bf3")
        );
        vm.expectPartialRevert(IModelRegistry.VerifierRunsOtherCode.selector);
        registry.propose(SECOND, _spec(proxy));
    }

    function _withCode(bytes memory code) private returns (address at) {
        at = address(uint160(uint256(keccak256(code))));
        vm.etch(at, code);
    }

    function test_activate__when_the_proposal_expired__then_it_is_refused_and_may_be_made_again() public {
        IModelRegistry.ModelSpec memory spec = _spec(address(verifier));
        registry.propose(SECOND, spec);
        uint64 last = registry.model(SECOND).activatableAt + registry.ACTIVATION_WINDOW();
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelExists.selector, SECOND));
        registry.propose(SECOND, spec);
        vm.warp(last);
        uint256 state = vm.snapshotState();
        registry.activate(SECOND);
        vm.revertToState(state);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelExists.selector, SECOND));
        registry.propose(SECOND, spec);
        vm.warp(last + 1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ProposalExpired.selector, SECOND, last));
        registry.activate(SECOND);
        // Again, with the whole notice; its number stays.
        registry.propose(SECOND, spec);
        vm.expectPartialRevert(IModelRegistry.TimelockRunning.selector);
        registry.activate(SECOND);
        vm.warp(_time() + TIMELOCK);
        registry.activate(SECOND);
        equal(registry.model(SECOND).index, 2, "number");
        equal(registry.modelAt(2), SECOND, "by number");
        registry.propose(THIRD, spec);
        equal(registry.model(THIRD).index, 3, "the next number");
    }

    function test_standing__when_models_change__then_it_says_which_may_answer() public {
        _stands(1, true, true);
        _stands(2, false, false);
        registry.propose(SECOND, _spec(address(verifier)));
        _stands(2, false, false);
        vm.warp(_time() + TIMELOCK);
        registry.activate(SECOND);
        _stands(1, true, false);
        _stands(2, true, true);
        registry.rollBack();
        _stands(1, true, true);
        _stands(2, false, false);
        _stands(0, false, false);
    }

    function _stands(uint16 index, bool active, bool primary) private view {
        (bool isActive, bool isPrimary) = registry.standingOf(index);
        check(isActive == active && isPrimary == primary, vm.toString(uint256(index)));
    }

    function test_registry__when_the_caller_has_no_role__then_each_change_is_refused() public {
        IModelRegistry.ModelSpec memory spec = _spec(address(verifier));
        vm.startPrank(borrower);
        vm.expectPartialRevert(UNAUTHORIZED);
        registry.propose(SECOND, spec);
        vm.expectPartialRevert(UNAUTHORIZED);
        registry.activate(MODEL);
        vm.expectPartialRevert(UNAUTHORIZED);
        registry.retire(MODEL);
        vm.expectPartialRevert(UNAUTHORIZED);
        registry.rollBack();
        vm.stopPrank();
    }

    function test_change__when_the_model_is_replaced_between_request_and_answer__then_its_shadow_still_answers()
        public
    {
        oracle.setLifetimes(10 days, 1 days);
        vm.prank(borrower);
        uint256 id = oracle.requestAssessment{value: FEE}(_terms(), NEUTRAL);
        IAIRiskOracle.Request memory request = _logged(borrower, borrower, _terms());
        request.deadline = request.requestedAt + 10 days;
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        bytes memory proof = _proof(request, report);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));

        _activate(SECOND, _spec(address(new ListedVerifier())));
        uint256 beforeRetirement = vm.snapshotState();
        oracle.provideAssessment(request, report, signatures, proof);
        equal(oracle.assessmentOf(id).modelIndex, 1, "by the shadow");

        vm.revertToState(beforeRetirement);
        registry.retire(MODEL);
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.ModelNotActive.selector, MODEL, IModelRegistry.ModelState.Retired)
        );
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_historyTable__when_published__then_anyone_reads_its_hash_and_place() public {
        equal(registry.historyTableHash(), 0, "none at first");
        vm.expectEmit();
        emit IModelRegistry.HistoryTablePublished(keccak256("table"), "ipfs://table");
        registry.publishHistoryTable(keccak256("table"), "ipfs://table");
        equal(registry.historyTableHash(), keccak256("table"), "hash");
        equal(keccak256(bytes(registry.historyTableUri())), keccak256("ipfs://table"), "place");
        vm.prank(address(0xbad));
        vm.expectRevert(abi.encodeWithSelector(UNAUTHORIZED, address(0xbad)));
        registry.publishHistoryTable(0, "");
    }

    function test_model__when_unknown__then_its_state_says_so() public view {
        check(registry.model("nobody").state == IModelRegistry.ModelState.None, "none");
    }

    function test_delay__when_zero__then_development_need_not_wait() public {
        ModelRegistry quick = Built.modelRegistry(address(manager), 0);
        quick.propose(MODEL, _spec(address(verifier)));
        quick.activate(MODEL);
        equal(quick.primaryModel(), MODEL, "primary");
        equal(quick.shadowModel(), 0, "no shadow before a second model");
        check(quick.model(0).state == IModelRegistry.ModelState.None, "nothing retires at the first activation");
    }
}
